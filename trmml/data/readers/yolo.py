"""Exports of labelling tools in YOLO's layout: a text file of boxes beside each image."""

import os
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

from trmml.choices import check_choice
from trmml.data.image_formats import IMAGE_SUFFIXES
from trmml.data.image_table import ImageTable
from trmml.data.readers.dataset_files import multi_hot, read_lines, require
from trmml.data.readers.reader import Reader, Splits
from trmml.data.readers.reading_options import ReadingOptions
from trmml.data.readers.text_files import read_text

__all__ = ["READER", "load_yolo"]

WithoutFile = Literal["negative", "unknown", "drop"]


def load_yolo(
    images: str | os.PathLike[str],
    labels: str | os.PathLike[str],
    class_names: str | os.PathLike[str] | Sequence[str],
    *,
    without_file: WithoutFile = "negative",
    transform: Any = None,  # noqa: ANN401 - any callable on a PIL image
) -> ImageTable:
    """Read a YOLO export: the classes of an image are those of its boxes.

    Args:
        images: Folder of images; those in folders below count too.
        labels: Folder with `<name>.txt` for `<name>.jpg`, in the same folders; the first number
            of a line is the class.
        class_names: `data.yaml` with `names`, a text file with one name a line (`classes.txt`,
            `obj.names`), or the names.
        without_file: What an image without a text file is: shown to have none of the classes
            (`"negative"`, YOLO's own rule), all `"unknown"`, or left out (`"drop"`).
        transform: Callable on a decoded image.

    Returns:
        Images in alphabetical order; +1 for a class with a box, -1 for the others.

    Raises:
        ValueError: If a folder is missing or empty, or a line is malformed, with its number.
    """
    check_choice(without_file, WithoutFile, argument="without_file")
    images = require(Path(images), what="the image folder")
    labels = require(Path(labels), what="the label folder")
    if isinstance(class_names, str | os.PathLike):
        class_names = _names(require(Path(class_names), what="the class names"))
    pictures = (path for path in images.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    names = sorted(path.relative_to(images).as_posix() for path in pictures)
    if not names:
        raise ValueError(f"{images}: there is no image.")
    rows: list[tuple[str, list[int], bool]] = []
    for name in names:
        file = (labels / name).with_suffix(".txt")
        known = file.is_file()
        if known or without_file != "drop":
            rows.append((name, _classes(file, len(class_names)) if known else [], known))
    if not any(known for _, _, known in rows):
        raise ValueError(f"{labels}: not one of the {len(names)} images has a text file there.")
    table = multi_hot([classes for _, classes, _ in rows], len(class_names))
    if without_file == "unknown":
        table[[not known for _, _, known in rows]] = 0
    return ImageTable(
        images, [name for name, _, _ in rows], table, class_names, transform=transform
    )


def _classes(file: Path, num_classes: int) -> list[int]:
    text = file.read_bytes().decode("utf-8-sig", "replace")  # an empty file is meant
    lines = [line.strip() for line in text.splitlines()]
    found = set()
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        first = line.split()[0]
        if not first.isdecimal() or int(first) >= num_classes:
            raise ValueError(
                f"{file}: line {number} must start with a class from 0 to {num_classes - 1}, got "
                f"{line!r}."
            )
        found.add(int(first))
    return sorted(found)


def _names(path: Path) -> list[str]:
    if path.suffix.lower() not in (".yaml", ".yml"):
        return read_lines(path)
    names = _listed_in_yaml(read_text(path))
    if not names:
        raise ValueError(f"{path}: must list the class names as `names`, from 0 without gaps.")
    return names


def _listed_in_yaml(text: str) -> list[str]:
    """Read `names` in the three spellings that exporters write; anything else gives no names."""
    inline = re.search(r"^names:\s*([\[{].*?[\]}])", text, re.MULTILINE | re.DOTALL)
    if inline:
        entries = re.findall(
            r"""(?:(\d+)\s*:\s*)?('[^']*'|"[^"]*"|[^,'"\[\]{}\s][^,\]}]*)""", inline[1]
        )
    else:
        block = re.search(
            r"^names:[ \t]*(?:#.*)?\n((?:[ \t]*(?:-|\d+:).*\n?|\s*\n)+)", text, re.MULTILINE
        )
        lines = block[1].splitlines() if block else []
        matches = [re.fullmatch(r"\s*(?:-|(\d+)\s*:)\s*(.+?)\s*", line) for line in lines]
        entries = [match.groups() for match in matches if match]
    numbers = [int(number) for number, _ in entries if number]
    if numbers and sorted(numbers) != list(range(len(entries))):
        return []
    values = [_unquoted(value) for _, value in entries]
    return [values[numbers.index(index)] for index in range(len(values))] if numbers else values


def _unquoted(value: str) -> str:
    value = value.strip()
    if value[:1] in ("'", '"'):
        return value[1:].partition(value[0])[0]
    return value.partition(" #")[0].strip()


def _find(path: Path, _images: Path, _reading: ReadingOptions) -> Splits:
    names = [file for file in ("data.yaml", "classes.txt", "obj.names") if (path / file).is_file()]
    found: Splits = {}
    for part in ("", "train", "valid", "val", "test") if names else ():
        folder = path / part
        if (folder / "images").is_dir() and (folder / "labels").is_dir():
            name = f"yolo/{part}".removesuffix("/")
            found[name] = partial(load_yolo, folder / "images", folder / "labels", path / names[0])
    return found


READER: Final = Reader(_find, "a labelling tool's export")
"""A folder of `images` and `labels`, or one for each split, beside the class names."""
