"""Tiny photographs for generated datasets."""

from collections.abc import Iterable
from pathlib import Path

from PIL import Image


def write_pictures(folder: Path, names: Iterable[str]) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 6), (100, 150, 200)).save(path)
