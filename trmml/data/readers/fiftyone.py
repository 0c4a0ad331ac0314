"""FiftyOne's exports of classifications: `labels.json`, or `samples.json` of a whole dataset."""

import os
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

from trmml.choices import check_choice
from trmml.data.image_table import ImageTable
from trmml.data.readers.dataset_files import read_json
from trmml.data.readers.image_addresses import files_of_addresses
from trmml.data.readers.image_choices import Answer, answer_meaning, labels_of_choices
from trmml.data.readers.json_shape import json_shape
from trmml.data.readers.reader import Reader, Splits
from trmml.data.readers.reading_options import ReadingOptions
from trmml.data.visible_files import images_below

__all__ = ["READER", "load_fiftyone"]

UnlistedMeaning = Literal["negative", "unknown"]

_KINDS = ("Classification", "Classifications")
_PARTS = ("", "train", "validation", "val", "test")


def load_fiftyone(
    export: str | os.PathLike[str],
    images: str | os.PathLike[str],
    *,
    field: str | None = None,
    unlisted: UnlistedMeaning = "negative",
    transform: Any = None,  # noqa: ANN401 - any callable on a PIL image
) -> ImageTable:
    """Read the classifications of whole images that FiftyOne exported.

    An image without a classification (null, or without the field) is unknown. Classifications
    with the tags yes, no and unknown are answers about their classes; so `write_annotations` of
    `trmml.prediction` writes them.

    Args:
        export: `labels.json` of a `FiftyOneImageClassificationDataset`, or `samples.json` of a
            `FiftyOneDataset`.
        images: Folder of the images, `data` in both.
        field: Of `samples.json`: the field to read, needed where several hold classifications.
        unlisted: What a class is that an image does not list: "negative" or "unknown".
        transform: Callable on a decoded image.

    Raises:
        ValueError: If the file is malformed, has no classifications, or has several fields of them.
    """
    check_choice(unlisted, UnlistedMeaning, argument="unlisted")
    path, images = Path(export), Path(images)
    content = read_json(path)
    try:
        if "samples" in content:
            answers, classes = dict(_of_samples(content["samples"], field, path)), []
            # Relative to the file, or from the root of another computer: the end counts.
            names = files_of_addresses([f"/{name.lstrip('/')}" for name in answers], images)
        else:
            classes = [str(name) for name in content["classes"] or ()]
            answers = {
                str(image): [] if target is None else [{"": [*_labels(target, classes)]}]
                for image, target in content["labels"].items()
            }
            there = {os.path.splitext(name)[0]: name for name in images_below(images)}  # noqa: PTH122 - names
            names = [there.get(image, image) for image in answers]
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(
            f"{path}: must hold `classes` and `labels`, or `samples`, as FiftyOne exports them, "
            f"got something else at {error}."
        ) from None
    found = labels_of_choices(answers, source=str(path), unlisted=unlisted, class_names=classes)
    return ImageTable(
        images, names, found.labels, found.class_names, transform=transform, notes=found.notes
    )


def _labels(target: Any, classes: list[str]) -> Iterator[str]:  # noqa: ANN401 - as in the file
    """Yield the classes that a target means: a number, a name, an object of one, or several."""
    if isinstance(target, list):
        for one in target:
            yield from _labels(one, classes)
    elif isinstance(target, Mapping):
        yield from _labels(target["label"], classes)
    elif isinstance(target, int) and not isinstance(target, bool):
        if target < 0:
            raise IndexError(f"class {target}")
        yield classes[target]
    elif isinstance(target, str):
        yield target
    else:
        raise TypeError(f"the target {target!r}")


def _fields(samples: Any) -> list[str]:  # noqa: ANN401 - whatever the file holds
    """Return the fields that hold classifications."""
    return list(
        dict.fromkeys(
            name
            for sample in samples
            for name, value in sample.items()
            if isinstance(value, Mapping) and value.get("_cls") in _KINDS
        )
    )


def _of_samples(
    samples: Any,  # noqa: ANN401 - whatever the file holds
    field: str | None,
    path: Path,
) -> Iterator[tuple[str, list[Answer]]]:
    there = _fields(samples)
    if field is None and len(there) == 1:
        field = there[0]
    if field not in there:
        raise ValueError(
            f"{path}: `field` must be one that holds classifications, which are "
            f"{', '.join(there) or 'none'}, got {field!r}."
        )
    for sample in samples:
        value = sample.get(field)
        if value is None:
            yield sample["filepath"], []
        else:
            found = value.get("classifications", [value])
            answers = _answered(found)
            if answers:  # as `write_annotations` wrote it, with the name in the table
                yield sample.get("file") or sample["filepath"], [answers]
            else:
                yield sample["filepath"], [{"": [str(one["label"]) for one in found]}]


def _answered(found: Any) -> Answer:  # noqa: ANN401 - whatever the file holds
    """Return classes as questions, where tags say yes, no or unknown; nothing where none does."""
    answers: Answer = {}
    for one in found:
        tags = [str(tag) for tag in one.get("tags") or ()]
        # Who tags what was unknown need not take that tag off.
        known = [tag for tag in tags if answer_meaning(tag)]
        unknown = [tag for tag in tags if answer_meaning(tag) == 0]
        answers[str(one["label"])] = known or unknown
    return answers if any(answers.values()) else {}


def _find(path: Path, images: Path, reading: ReadingOptions) -> Splits:
    if not path.is_dir():
        return _of_file(path, images, path.name, reading)
    found: Splits = {}
    for part in _PARTS:
        for file in (path / part / "labels.json", path / part / "samples.json"):
            name = f"fiftyone/{part}".removesuffix("/")
            beside = path / part / "data"
            found |= _of_file(file, beside if beside.is_dir() else path / part, name, reading)
    return found


def _of_file(file: Path, images: Path, name: str, reading: ReadingOptions) -> Splits:
    keys = json_shape(file).keys
    if {"classes", "labels"} <= keys:
        return {name: partial(load_fiftyone, file, images, **reading.given())}
    if "samples" not in keys:
        return {}
    samples = read_json(file)["samples"]
    good = isinstance(samples, list) and all(isinstance(sample, Mapping) for sample in samples)
    fields = _fields(samples) if good else []
    if len(fields) < 2:
        return {name: partial(load_fiftyone, file, images, **reading.given())}
    return {
        f"{name}/{field}": partial(load_fiftyone, file, images, field=field, **reading.given())
        for field in fields
    }


READER: Final = Reader(
    _find, "labels.json or samples.json beside data (FiftyOne)", options=frozenset({"unlisted"})
)
"""FiftyOne's file, or the folder that it is in, or one for each split; where `samples.json` has
several fields of classifications, each is a split."""
