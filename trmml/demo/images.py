"""Where the demo's images come from: the generated world, or photographs with a table."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int, UInt8
from PIL import Image
from torch import Tensor

__all__ = ["DemoData", "ImageSet", "photograph_data", "world_data"]

WORLD_SEED = 2  # seed 0's scenes were looked at while the tiny model was made
TEST_SHARE = 0.3
SHOWN_SIDE = 512  # of a photograph that is drawn on
IMAGE_SIZE = 256  # twice what the tiny model saw in pre-training, as 448 is twice CLIP's 224


@dataclass(frozen=True)
class ImageSet:
    """Images of one size, read when needed, with complete labels.

    Attributes:
        names: What to call each image.
        labels: +1, -1, or 0 where even the table says nothing.
        read: Returns the pixels of one image, [3 height width] in [0, 255].
        picture: Returns one image to look at, in its own proportions; None if `read` does.
    """

    names: Sequence[str]
    labels: Int[Tensor, "images classes"]
    read: Callable[[int], UInt8[Tensor, "3 height width"]]
    picture: Callable[[int], Image.Image] | None = None

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.names)

    def shown(self, row: int) -> Image.Image:
        """Return one image to look at."""
        if self.picture is not None:
            return self.picture(row)
        return Image.fromarray(self.read(row).permute(1, 2, 0).contiguous().numpy())

    def batches(self, batch_size: int) -> Iterator[UInt8[Tensor, "_ 3 height width"]]:
        """Yield all images in order."""
        for start in range(0, len(self), batch_size):
            rows = range(start, min(start + batch_size, len(self)))
            yield torch.stack([self.read(row) for row in rows])


@dataclass(frozen=True)
class DemoData:
    """Images to learn from and to report on.

    Attributes:
        source: "world" or "photographs".
        class_names: Name of every category.
        train: To learn from; its labels are hidden in part.
        test: To report on.
        image_size: Side of every image in pixels.
    """

    source: str
    class_names: tuple[str, ...]
    train: ImageSet
    test: ImageSet
    image_size: int = IMAGE_SIZE


def world_data(
    *, num_train: int = 2000, num_test: int = 1000, progress: Callable[[int], None] | None = None
) -> DemoData:
    """Generate the demo's scenes, the same on every machine."""
    from trmml.world import make_world

    world = make_world(
        seed=WORLD_SEED,
        num_train=num_train,
        num_validation=0,
        num_test=num_test,
        image_size=IMAGE_SIZE,
        progress=progress,
    )

    def image_set(name: str, images: np.ndarray, labels: np.ndarray) -> ImageSet:
        pixels = torch.from_numpy(images)
        names = [f"{name} scene {row}" for row in range(len(images))]
        return ImageSet(names, torch.from_numpy(labels).long(), lambda row: pixels[row])

    return DemoData(
        source="world",
        class_names=world.train.class_names,
        train=image_set("training", world.train.images, world.train.labels),
        test=image_set("test", world.test.images, world.test.labels),
    )


def photograph_data(
    images: Path, labels: Path, *, limit: int | None = None, image_size: int = IMAGE_SIZE
) -> DemoData:
    """Read a table of labels and split its photographs, always the same way.

    Rows are shuffled first, because tables are often sorted by category; 30 % become the test set.

    Args:
        images: Folder of the photographs.
        labels: CSV table, see `trmml.data.load_table`.
        limit: Use only this many photographs.
        image_size: Side in pixels to bring each to, as its towers can take it.

    Raises:
        FileNotFoundError: If the folder, the table or a photograph is missing.
        ValueError: If the table cannot be read, or leaves nothing to train or test on.
    """
    from trmml.data import decode_image, load_table, square_pixels

    table = load_table(labels, images)
    order = np.random.RandomState(WORLD_SEED).permutation(len(table))[:limit]
    num_test = round(TEST_SHARE * len(order))
    if not 0 < num_test < len(order):
        raise ValueError(f"`labels` must list at least 2 photographs, got {len(order)} usable.")

    def image_set(rows: np.ndarray) -> ImageSet:
        def read(row: int) -> UInt8[Tensor, "3 height width"]:
            whole = decode_image(table.paths[int(rows[row])], min_side=image_size)
            return square_pixels(whole, image_size)

        def picture(row: int) -> Image.Image:
            shown = decode_image(table.paths[int(rows[row])])
            shown.thumbnail((SHOWN_SIDE, SHOWN_SIDE), Image.Resampling.LANCZOS)
            return shown

        return ImageSet(
            [table.names[int(row)] for row in rows],
            table.labels[torch.from_numpy(rows)].long(),
            read,
            picture,
        )

    return DemoData(
        source="photographs",
        class_names=tuple(table.class_names),
        train=image_set(order[num_test:]),
        test=image_set(order[:num_test]),
        image_size=image_size,
    )
