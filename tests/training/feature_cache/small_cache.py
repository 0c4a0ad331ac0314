"""A table of small pictures, a tower of a few thousand weights, and a cache of both."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from tests.random_clip import random_pair
from trmml.data import ImageTable
from trmml.data.transforms import build_transform
from trmml.encoders import EncoderPair
from trmml.training import FeatureCache, SeededImages

NUM_IMAGES = 20
NAMES = ["tree", "boat", "car"]
HALF = (0.5, 0.5, 0.5)


def transform(**changes):
    settings = {"train": False, "size": 64, "mean": HALF, "std": HALF, **changes}
    return build_transform(**settings)


def write_pictures(folder: Path, count: int = NUM_IMAGES) -> None:
    random = np.random.RandomState(0)
    for row in range(count):
        pixels = random.randint(0, 256, (40, 50, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{row}.png")


def table_of(folder: Path, count: int = NUM_IMAGES, **settings) -> ImageTable:
    if not (folder / "0.png").exists():
        write_pictures(folder, count)
    labels = torch.randint(-1, 2, (count, 3), generator=torch.Generator().manual_seed(0))
    files = [f"{row}.png" for row in range(count)]
    return ImageTable(folder, files, labels, NAMES, **{"transform": transform(), **settings})


def cache_of(
    folder: Path,
    table: ImageTable | None = None,
    encoders: EncoderPair | None = None,
    *,
    seed: int = 0,
    **settings,
) -> FeatureCache:
    images = SeededImages(table_of(folder) if table is None else table, seed=seed)
    settings = {"block_images": 8, **settings}
    return FeatureCache(folder / "cache", encoders or random_pair(), images, **settings)
