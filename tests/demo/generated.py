"""A folder of photographs with a table of labels, and what a short run needs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from trmml.training import Recipe

SHORT = Recipe(epochs=2, batch_size=8, max_lr=2e-3)
COLOURS = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 220)}


@contextmanager
def silent(_title: str, _total: int) -> Iterator[Callable[[int], None]]:
    yield lambda _: None


def write_photographs(folder: Path, count: int = 12) -> Path:
    """Write squares of colour, and return the table that says which colours they show."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.RandomState(0)
    lines = ["file," + ",".join(COLOURS)]
    for index in range(count):
        pixels = np.full((48, 64, 3), 128, dtype=np.uint8)
        present = random.random_sample(3) < 0.6
        present[index % 3] = True
        for column, (there, colour) in enumerate(zip(present, COLOURS.values(), strict=True)):
            if there:
                pixels[8:24, 4 + 20 * column : 20 + 20 * column] = colour
        Image.fromarray(pixels).save(folder / f"{index}.png")
        lines.append(f"{index}.png," + ",".join(str(int(there)) for there in present))
    table = folder / "labels.csv"
    table.write_text("\n".join(lines) + "\n")
    return table
