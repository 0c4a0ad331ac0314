"""Exports in VOC's form without its lists: of LabelImg, Roboflow, CVAT and other tools."""

import os
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from trmml.choices import check_choice
from trmml.data.image_table import ImageTable
from trmml.data.readers.dataset_files import multi_hot, require
from trmml.data.readers.reader import Reader, Splits
from trmml.data.readers.reading_options import ReadingOptions
from trmml.data.readers.voc_objects import objects_in
from trmml.data.readers.xml_files import root_tag
from trmml.data.readers.yolo_labels import WithoutFile
from trmml.data.visible_files import images_below, visible_files

__all__ = ["READER", "load_voc_export"]


def load_voc_export(
    annotations: str | os.PathLike[str],
    images: str | os.PathLike[str],
    *,
    without_file: WithoutFile = "drop",
    class_names: Sequence[str] | None = None,
    transform: Any = None,  # noqa: ANN401 - any callable on a PIL image
) -> ImageTable:
    """Read images with a VOC file of objects each: a class with an object is there, no other is.

    Args:
        annotations: Folder with `<name>.xml` for each image `<name>.jpg` or of another ending.
        images: Folder of the images, which may be the same.
        without_file: What an image without an XML file is: left out (`"drop"`: these tools write
            none for what nobody looked at), all `"unknown"`, or `"negative"`.
        class_names: The classes in their order; by default those of all objects, in alphabetical
            order.
        transform: Callable on a decoded image.

    Returns:
        Images in alphabetical order. How many have no file, and which files no image, its `notes`
        say.

    Raises:
        ValueError: If a folder is missing, there is no XML file or none has an image, or one has
            several, is malformed or has an object of another class.
    """
    check_choice(without_file, WithoutFile, argument="without_file")
    annotations = require(Path(annotations), what="the folder of annotations")
    images = require(Path(images), what="the image folder")
    files = {file.stem: file for file in visible_files(annotations, "*.xml")}
    if not files:
        raise ValueError(f"{annotations}: there is no XML file.")
    shown = {stem: {kind for kind, _ in objects_in(file)} for stem, file in files.items()}
    names = images_below(images)
    stems = [Path(name).stem for name in names]
    if not {*stems} & {*files}:
        raise ValueError(
            f"{annotations}: not one of the {len(files)} XML files has an image in {images}; they "
            "must have equal names but for the ending."
        )
    stem, count = Counter(stem for stem in stems if stem in files).most_common(1)[0]
    if count > 1:
        alike = ", ".join(name for name, other in zip(names, stems, strict=True) if other == stem)
        raise ValueError(f"{files[stem]}: several images in {images} may be meant: {alike}.")
    occurring = sorted(set[str]().union(*shown.values()))
    classes = list(occurring if class_names is None else class_names)
    strange = sorted({*occurring} - {*classes})
    if strange:
        raise ValueError(f"{annotations}: an object of the unknown class {strange[0]!r}.")
    kept = [row for row, stem in enumerate(stems) if stem in files or without_file != "drop"]
    column = {name: index for index, name in enumerate(classes)}
    positives = [sorted(column[kind] for kind in shown.get(stems[row], ())) for row in kept]
    labels = multi_hot(positives, len(classes))
    if without_file == "unknown":
        labels[[stems[row] not in files for row in kept]] = 0
    return ImageTable(
        images,
        [names[row] for row in kept],
        labels,
        classes,
        transform=transform,
        notes=_notes(stems, [*files], without_file),
    )


def _notes(stems: list[str], files: list[str], without_file: WithoutFile) -> list[str]:
    notes = []
    absent = len([stem for stem in stems if stem not in {*files}])
    if absent:
        meaning = {"drop": "are left out", "unknown": "are unknown", "negative": "show nothing"}
        notes.append(
            f"{absent:,} of {len(stems):,} images have no XML file and {meaning[without_file]} "
            "(`without_file`)"
        )
    alone = [file for file in files if file not in {*stems}]
    if alone:
        notes.append(f"{len(alone):,} XML files have no image, such as {alone[0]}.xml")
    return notes


def _find(path: Path, _images: Path, reading: ReadingOptions) -> Splits:
    found: Splits = {}
    if visible_files(path / "ImageSets" / "Main", "*.txt"):
        return found
    for part in ("", "train", "valid", "val", "test"):
        folder = path / part
        annotations = _with_xml(folder)
        if annotations is not None:
            images = [folder / name for name in ("JPEGImages", "images")]
            beside = next((place for place in images if place.is_dir()), folder)
            load = partial(load_voc_export, annotations, beside, **reading.given())
            found[f"voc-export/{part}".removesuffix("/")] = load
    return found


def _with_xml(folder: Path) -> Path | None:
    for place in (folder / "Annotations", folder / "annotations", folder):
        first = next(iter(visible_files(place, "*.xml")), None)
        if first is not None and root_tag(first) == "annotation":
            return place
    return None


READER: Final = Reader(
    _find,
    "an XML file for each image (VOC)",
    options=frozenset({"without_file"}),
)
"""A folder of images with XML files beside them or in `Annotations`, or one for each split."""
