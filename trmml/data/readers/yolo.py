"""YOLO's layout, of Ultralytics and labelling tools: a text file of boxes for each image."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Final

from trmml.choices import check_choice
from trmml.data.file_names import plain_name
from trmml.data.image_table import ImageTable
from trmml.data.readers.dataset_files import read_lines, require
from trmml.data.readers.reader import Reader, Splits
from trmml.data.readers.reading_options import ReadingOptions
from trmml.data.readers.yolo_description import (
    YoloDescription,
    find_place,
    read_yolo_description,
)
from trmml.data.readers.yolo_labels import WithoutFile, label_beside, read_yolo_labels
from trmml.data.visible_files import images_below, visible_files

__all__ = ["READER", "load_yolo", "load_yolo_split"]

_DESCRIPTIONS = (".yaml", ".yml", ".data")
_NAMED = ("data", "dataset", "obj")


def load_yolo(
    images: str | os.PathLike[str],
    labels: str | os.PathLike[str],
    class_names: str | os.PathLike[str] | Sequence[str],
    *,
    without_file: WithoutFile = "negative",
    transform: Any = None,  # noqa: ANN401 - any callable on a PIL image
) -> ImageTable:
    """Read images and their text files: the classes of an image are those of its boxes.

    Args:
        images: Folder of images; those in folders below count too, hidden ones do not.
        labels: Folder with `<name>.txt` for `<name>.jpg`, in the same folders; the first number
            of a line is the class.
        class_names: `data.yaml` with `names`, a text file with one name a line (`classes.txt`,
            `obj.names`), or the names.
        without_file: What an image without a text file is: shown to have none of the classes
            (`"negative"`, YOLO's own rule), all `"unknown"`, or left out (`"drop"`).
        transform: Callable on a decoded image.

    Returns:
        Images in alphabetical order; +1 for a class with a box, -1 for the others. How many have
        no text file, its `notes` say.

    Raises:
        ValueError: If a folder is missing or empty, or a line is malformed, with its number.
        ModuleNotFoundError: If `class_names` is a YAML file and pyyaml is not installed.
    """
    check_choice(without_file, WithoutFile, argument="without_file")
    images = require(Path(images), what="the image folder")
    labels = require(Path(labels), what="the label folder")
    if isinstance(class_names, str | os.PathLike):
        class_names = _names(require(Path(class_names), what="the class names"))
    names = images_below(images)
    if not names:
        raise ValueError(f"{images}: there is no image.")
    files = [(labels / name).with_suffix(".txt") for name in names]
    kept, table, notes = read_yolo_labels(
        files, len(class_names), without_file=without_file, source=str(labels)
    )
    names = [names[row] for row in kept]
    return ImageTable(images, names, table, class_names, transform=transform, notes=notes)


def load_yolo_split(
    description: str | os.PathLike[str],
    split: str,
    *,
    without_file: WithoutFile = "negative",
    transform: Any = None,  # noqa: ANN401 - any callable on a PIL image
) -> ImageTable:
    """Read a split that a `data.yaml` or `obj.data` names: folders of images, or lists of them.

    Places are relative to its `path`, or to the file itself. The text file of an image is where
    its path has `labels` instead of the last `images`, or else beside it.

    Args:
        description: The `data.yaml` of Ultralytics, or the `obj.data` of Darknet and CVAT.
        split: "train", "val" or "test".
        without_file: As in `load_yolo`.
        transform: Callable on a decoded image.

    Raises:
        ValueError: If the file is malformed or does not name the split, a place that it names is
            not there, or as in `load_yolo`.
        ModuleNotFoundError: If pyyaml is not installed.
    """
    check_choice(without_file, WithoutFile, argument="without_file")
    path = Path(description)
    content = read_yolo_description(path)
    if split not in content.places:
        there = ", ".join(content.places) or "none"
        raise ValueError(f"{path}: names no split {split!r}; those named are: {there}.")
    places = []
    for value in content.places[split]:
        place = find_place(value, content.folder, path.parent)
        if place is None:
            raise ValueError(f"{path}: `{split}` names {value}, which is not there.")
        places.append(place)
    images = list(dict.fromkeys(image for place in places for image in _images(place, content)))
    if not images:
        raise ValueError(f"{places[0]}: there is no image.")
    kept, labels, notes = read_yolo_labels(
        [label_beside(image) for image in images],
        len(content.names),
        without_file=without_file,
        source=", ".join(map(str, places)),
    )
    notes += [
        f"{path.name} names {values[0]} for {other}, which is not there"
        for other, values in content.places.items()
        if not any(find_place(value, content.folder, path.parent) for value in values)
    ]
    is_folder = len(places) == 1 and places[0].is_dir()
    root = places[0] if is_folder else Path(os.path.commonpath([i.parent for i in images]))
    names = [images[row].relative_to(root).as_posix() for row in kept]
    return ImageTable(root, names, labels, content.names, transform=transform, notes=notes)


def _images(place: Path, content: YoloDescription) -> list[Path]:
    if place.is_dir():
        return [place / name for name in images_below(place)]
    folders = (place.parent, content.folder)
    return [_listed(line, *folders) for line in read_lines(place)]


def _listed(line: str, *folders: Path) -> Path:
    """Return the image that a line of a list names, by its text file where it is not there."""
    image = find_place(line, *folders)
    text = find_place(str(PurePosixPath(plain_name(line)).with_suffix(".txt")), *folders)
    if image is not None or text is None:
        return image or folders[0] / line
    return text.with_suffix(PurePosixPath(line).suffix)


def _names(path: Path) -> list[str]:
    return (
        read_yolo_description(path).names
        if path.suffix.lower() in _DESCRIPTIONS
        else read_lines(path)
    )


def _find(path: Path, _images: Path, reading: ReadingOptions) -> Splits:
    named = _described(path)
    folder = path if path.is_dir() else path.parent
    if named is None:
        lists = (folder / name for name in ("classes.txt", "obj.names"))
        names = next((file for file in lists if path.is_dir() and file.is_file()), None)
        return {} if names is None else _by_folders(folder, names, reading)
    try:
        content = read_yolo_description(named)
    except (ValueError, ModuleNotFoundError) as error:
        is_meant = path == named or named.stem in _NAMED
        return _by_folders(folder, named, reading) or (
            {"yolo": _raising(error)} if is_meant else {}
        )
    found: Splits = {}
    for split, values in content.places.items():
        if any(find_place(value, content.folder, named.parent) for value in values):
            found[f"yolo/{split}"] = partial(load_yolo_split, named, split, **reading.given())
    return found or _by_folders(folder, named, reading)


def _described(path: Path) -> Path | None:
    """Return what describes the data: the file at the path, one of the usual names, or the only."""
    if not path.is_dir():
        return path if path.suffix.lower() in _DESCRIPTIONS else None
    files = [file for ending in _DESCRIPTIONS for file in visible_files(path, f"*{ending}")]
    called = [file for file in files if file.stem in _NAMED]
    return called[0] if called else files[0] if len(files) == 1 else None


def _by_folders(folder: Path, names: Path, reading: ReadingOptions) -> Splits:
    found: Splits = {}
    for part in ("", "train", "valid", "val", "test"):
        images, labels = folder / part / "images", folder / part / "labels"
        if images.is_dir() and labels.is_dir():
            load = partial(load_yolo, images, labels, names, **reading.given())
            found[f"yolo/{part}".removesuffix("/")] = load
    return found


def _raising(error: Exception) -> Callable[[], ImageTable]:
    def load() -> ImageTable:
        raise error

    return load


READER: Final = Reader(
    _find,
    "data.yaml or obj.data, or classes.txt with images and labels (YOLO)",
    options=frozenset({"without_file"}),
)
"""The splits that `data.yaml` names; or a folder of `images` and `labels`, or one for each split,
beside the class names."""
