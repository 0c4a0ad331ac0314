"""One folder of images for each class, as single-label datasets are often kept."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from trmml.choices import check_choice
from trmml.data.image_formats import IMAGE_SUFFIXES
from trmml.data.image_table import ImageTable
from trmml.data.readers.reader import Reader, Splits
from trmml.data.readers.reading_options import CellMeaning, ReadingOptions
from trmml.data.visible_files import images_below, visible_files

__all__ = ["READER", "load_class_folders"]

_SPLITS: Final = frozenset({"train", "training", "val", "valid", "validation", "dev", "test"})
_PROSE: Final = frozenset({".md", ".rst", ".txt", ""})  # such as README and LICENSE


def load_class_folders(
    folder: str | os.PathLike[str],
    *,
    unlisted: CellMeaning = "auto",
    class_names: Sequence[str] | None = None,
    transform: Any = None,  # noqa: ANN401 - any callable on a PIL image
) -> ImageTable:
    """Read images that lie in a folder named as the class that they show.

    Where an image is says that this class is there. Whether the other classes are there too, it
    does not say: `unlisted` must.

    Args:
        folder: Holds a folder for each class.
        unlisted: What the other classes are: "negative" where each image shows one class alone,
            "unknown" where it may show others.
        class_names: The classes in their order, of which some may have no folder here; by default
            those of the folders, in alphabetical order.
        transform: Callable on a decoded image.

    Raises:
        ValueError: If there is no folder with an image, one is no class of `class_names`, or
            `unlisted` is left open.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from PIL import Image
        >>> with TemporaryDirectory() as folder:
        ...     for name in ("cat", "dog"):
        ...         Path(folder, name).mkdir()
        ...         Image.new("RGB", (4, 4)).save(Path(folder, name, "1.png"))
        ...     table = load_class_folders(folder, unlisted="unknown")
        >>> table.names, table.labels.tolist()
        (['cat/1.png', 'dog/1.png'], [[1, 0], [0, 1]])
    """
    check_choice(unlisted, CellMeaning, argument="unlisted")
    found = {one.name: images_below(one) for one in visible_files(Path(folder)) if one.is_dir()}
    found = {name: images for name, images in found.items() if images}
    if not found:
        raise ValueError(f"{folder}: no folder in it holds an image; check the path.")
    if unlisted == "auto":
        raise ValueError(
            f"{folder}: that an image is in the folder of one class does not say whether it shows "
            'others; pass `unlisted="negative"` if it shows this one alone, and '
            '`unlisted="unknown"` if it may show others, on the command line `--read '
            "unlisted=negative` or `--read unlisted=unknown`."
        )
    classes = sorted(found) if class_names is None else list(class_names)
    strange = sorted(set(found) - set(classes))
    if strange:
        raise ValueError(
            f"{folder}: the folder {strange[0]!r} is no class; the classes are "
            f"{', '.join(classes[:10])}{', ...' if len(classes) > 10 else ''}."
        )
    names = [f"{name}/{image}" for name, images in found.items() for image in images]
    shown = [classes.index(name) for name, images in found.items() for _ in images]
    labels = np.full((len(names), len(classes)), -1 if unlisted == "negative" else 0, np.int8)
    labels[np.arange(len(names)), shown] = 1
    return ImageTable(folder, names, labels, classes, transform=transform)


def _find(path: Path, _images: Path, reading: ReadingOptions) -> Splits:
    inside = visible_files(path) if path.is_dir() else []
    folders = [one for one in inside if one.is_dir()]
    if len(folders) < 1 or any(one.suffix.lower() not in _PROSE for one in inside if one.is_file()):
        return {}
    if all(one.name.casefold() in _SPLITS for one in folders):
        if not all(_are_classes(visible_files(one)) for one in folders):
            return {}
        classes = sorted({one.name for part in folders for one in visible_files(part)})
        given = {**reading.given(), "class_names": classes}
        return {
            f"class-folders/{one.name}": partial(load_class_folders, one, **given)
            for one in folders
        }
    if len(folders) < 2 or not _are_classes(inside):
        return {}
    return {"class-folders": partial(load_class_folders, path, **reading.given())}


def _are_classes(inside: Sequence[Path]) -> bool:
    """Say whether there is nothing but folders that hold images and nothing else."""
    folders = [one for one in inside if one.is_dir()]
    prose = all(one.suffix.lower() in _PROSE for one in inside if not one.is_dir())
    return bool(folders) and prose and all(map(_holds_images_alone, folders))


def _holds_images_alone(folder: Path) -> bool:
    inside = visible_files(folder)
    return bool(inside) and all(one.suffix.lower() in IMAGE_SUFFIXES for one in inside)


READER: Final = Reader(_find, "a folder of images for each class", options=frozenset({"unlisted"}))
"""A folder for each class, or these in a folder for each split, beside nothing but prose."""
