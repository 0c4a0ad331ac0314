"""Photographs of coloured squares with a table of their colours: small, real files."""

from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {"red": (220, 40, 40), "green": (40, 200, 60), "blue": (50, 70, 220)}


def write_squares(folder: Path, count: int, *, side: int = 64, start: int = 0) -> Path:
    """Write pictures and `labels.csv` beside them; return the table.

    Args:
        folder: Made if absent.
        count: Pictures.
        side: In pixels.
        start: Number of the first picture, whose seed it is.
    """
    (folder / "photos").mkdir(parents=True, exist_ok=True)
    lines = ["image," + ",".join(COLOURS)]
    for number in range(start, start + count):
        random = np.random.default_rng(number)
        pixels = random.integers(90, 160, (side, side, 3), dtype=np.uint8)
        present = random.random(len(COLOURS)) < 0.45
        for shown, colour in zip(present, COLOURS.values(), strict=True):
            top, left = random.integers(0, side - side // 3, 2)
            if shown:
                pixels[top : top + side // 3, left : left + side // 3] = colour
        Image.fromarray(pixels).save(folder / "photos" / f"{number:04}.png")
        lines.append(f"{number:04}.png," + ",".join(str(int(value)) for value in present))
    table = folder / "labels.csv"
    table.write_text("\n".join(lines) + "\n")
    return table
