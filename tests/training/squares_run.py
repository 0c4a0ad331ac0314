"""A whole run on coloured squares with the tiny encoder: seconds, with everything in it."""

from dataclasses import replace
from pathlib import Path

from tests.training.coloured_squares import write_squares
from trmml.training import CacheConfig, DataConfig, EncoderConfig, Recipe, RunConfig

IMAGES = 40


def squares_config(root: Path, **changes: object) -> RunConfig:
    """Write the pictures, unless they are there, and describe a run on them."""
    if not (root / "train" / "labels.csv").exists():
        write_squares(root / "train", IMAGES, side=32)
        write_squares(root / "test", 12, side=32, start=1000)
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
