"""A model in milliseconds, and small pictures on disk, for the tests of prediction."""

from functools import cache
from pathlib import Path

import torch
from PIL import Image

from trmml.data import ImageTable
from trmml.encoders import EncoderPair, load_tiny
from trmml.models import TRMML, MultiLabelModel, TRMMLConfig, load_task

NAMES = ["sea", "sunset, red", "Bäume"]
SIZE = 64

OWN_METHOD = f"{Path(__file__).parents[2] / 'examples' / 'own_method.py'}:LinearHeadTask"

tiny_pair = cache(load_tiny)  # frozen, so that all can share it


def small_model(names=NAMES, config: TRMMLConfig | None = None) -> TRMML:
    generator = torch.Generator().manual_seed(0)
    model = TRMML(tiny_pair(), names, config=config, image_size=SIZE, generator=generator)
    with torch.no_grad():  # less certain, so that probabilities differ without training
        model.log_temperature.fill_(-2.0)
    return model.eval()


def own_model(names=NAMES, *, pair: EncoderPair | None = None) -> MultiLabelModel:
    """Build a model of a method from elsewhere, without regions; a pair of its own may change."""
    task = load_task(OWN_METHOD)
    config = task.Model.Config.from_dict({})
    generator = torch.Generator().manual_seed(0)
    built = task.build(
        pair or tiny_pair(), names, config=config, image_size=SIZE, generator=generator
    )
    return built.model.eval()


def write_pictures(folder: Path, count: int = 7, *, damaged: tuple[int, ...] = ()) -> list[str]:
    """Write pictures of several sizes, some of them cut off in the middle; return their names."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(1)
    names = []
    for row in range(count):
        noise = torch.randint(0, 256, (30 + 7 * row, 50, 3), dtype=torch.uint8, generator=generator)
        noise[: 15 + row, :, row % 3] = 255
        name = f"{row}, ö.png"
        Image.fromarray(noise.numpy()).save(folder / name)
        if row in damaged:
            data = (folder / name).read_bytes()
            (folder / name).write_bytes(data[: len(data) // 2])
        names.append(name)
    return names


def table_of(folder: Path, names: list[str], **settings) -> ImageTable:
    """Label pictures at random, a third of the labels unknown."""
    generator = torch.Generator().manual_seed(2)
    labels = torch.randint(-1, 2, (len(names), len(NAMES)), generator=generator)
    return ImageTable(folder, names, labels, NAMES, **settings)
