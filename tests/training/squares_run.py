"""A whole run on coloured squares with the tiny encoder: seconds, with everything in it."""

from dataclasses import replace
from pathlib import Path

from tests.training.coloured_squares import write_squares
from trmml.models import METHODS
from trmml.training import CacheConfig, DataConfig, EncoderConfig, Recipe, RunConfig

IMAGES = 40
CAPTIONS = "captions.txt"
SENTENCES = ("A red square", "green and blue", "one blue thing", "Reds.", "the GREEN one")


def squares_config(root: Path, **changes: object) -> RunConfig:
    """Write the pictures, unless they are there, and describe a run on them."""
    if not (root / "train" / "labels.csv").exists():
        write_squares(root / "train", IMAGES, side=32)
        write_squares(root / "test", 12, side=32, start=1000)
        (root / CAPTIONS).write_text("\n".join([*SENTENCES * 6, "nothing at all"]))
    config = RunConfig(
        name="squares",
        data=DataConfig(
            path=str(root / "train" / "labels.csv"),
            test_path=str(root / "test" / "labels.csv"),
            keep=0.5,
            image_size=64,
            validation_share=0.25,
            workers=0,
        ),
        encoder=EncoderConfig(family="tiny"),
        recipe=Recipe(epochs=3, batch_size=12, max_lr=4e-3, ema_decay=0.8),
        checkpoint_every=1,
    )
    return replace(config, **changes)  # pyright: ignore[reportArgumentType]


def for_method(name: str, config: RunConfig, root: Path) -> RunConfig:
    """Return the run of another method, with captions where it learns from these."""
    model = METHODS[name].Model.Config()
    if model.learns_from == "images":
        return replace(config, model=model)
    return replace(config, model=model, data=replace(config.data, captions=str(root / CAPTIONS)))


def cached(root: Path, views: int = 2) -> CacheConfig:
    return CacheConfig(directory=str(root / "cache"), views=views)


def outcome(folder: Path) -> dict[str, bytes]:
    """Return all files of a finished run that have to be the same to the last byte."""
    names = ("metrics.jsonl", "report.json", "report.md", "config.yaml", "labels.mask")
    models = (
        f"{which}/{file}"
        for which in ("best", "last")
        for file in ("model.safetensors", "config.json")
    )
    return {name: (folder / name).read_bytes() for name in (*names, *models)}
