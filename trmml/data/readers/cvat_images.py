"""CVAT's export "for images": tags of whole images, and shapes, in one XML file."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal
from xml.etree.ElementTree import Element

from trmml.choices import check_choice
from trmml.data.image_table import ImageTable
from trmml.data.readers.image_addresses import files_of_addresses
from trmml.data.readers.image_choices import Answer, answer_meaning, labels_of_choices
from trmml.data.readers.reader import Reader, Splits
from trmml.data.readers.reading_options import ReadingOptions
from trmml.data.readers.xml_files import read_xml, root_tag

__all__ = ["READER", "load_cvat_images"]

UnlistedMeaning = Literal["negative", "unknown"]

_LABELS = ""  # the question which of the labels an image has


def load_cvat_images(
    export: str | os.PathLike[str],
    images: str | os.PathLike[str],
    *,
    unlisted: UnlistedMeaning = "negative",
    transform: Any = None,  # noqa: ANN401 - any callable on a PIL image
) -> ImageTable:
    """Read which labels each image has, as a tag of the image or as a shape in it.

    An attribute of a tag whose value is yes, no or unknown (or a word like them) decides: one such
    attribute about its label, and several each about a class that is called as the attribute.

    Args:
        export: `annotations.xml` of CVAT for images, of a task, a job or a project.
        images: Folder of the images.
        unlisted: What a label is that an image does not have: "negative" or "unknown".
        transform: Callable on a decoded image.

    Raises:
        ValueError: If the file is malformed, is of CVAT for video, or names an image twice.
    """
    check_choice(unlisted, UnlistedMeaning, argument="unlisted")
    path = Path(export)
    root = read_xml(path)
    if root.tag != "annotations" or root.find("track") is not None:
        raise ValueError(f"{path}: must be exported as CVAT for images.")
    answers: dict[str, list[Answer]] = {}
    for image in root.iter("image"):
        name = image.get("name", "")
        if not name or name in answers:
            what = f"names the image {name!r} twice" if name else "has an image without a name"
            raise ValueError(f"{path}: {what}.")
        answers[name] = [_answer(image)]
    if not answers:
        raise ValueError(f"{path}: there is no image.")
    asked = {question for (answer,) in answers.values() for question in answer}
    stated = [name for name in dict.fromkeys(_stated(root)) if name not in asked]
    found = labels_of_choices(answers, source=str(path), unlisted=unlisted, class_names=stated)
    names = files_of_addresses(list(answers), images)
    return ImageTable(
        images, names, found.labels, found.class_names, transform=transform, notes=found.notes
    )


def _answer(image: Element) -> Answer:
    answer: Answer = {_LABELS: []}
    for item in image:
        label = (item.get("label") or "").strip()
        attributes = [(one.get("name", ""), (one.text or "").strip()) for one in item]
        asked = [(name, word) for name, word in attributes if answer_meaning(word) is not None]
        if item.tag == "tag" and len(asked) == 1:
            answer.setdefault(label, []).append(asked[0][1])
        elif item.tag == "tag" and asked:
            for name, word in asked:
                answer.setdefault(name, []).append(word)
        elif label and label not in answer[_LABELS]:
            answer[_LABELS].append(label)
    return answer


def _stated(root: Element) -> Iterator[str]:
    for label in root.iterfind("meta//labels/label"):
        name = (label.findtext("name") or "").strip()
        if name:
            yield name


def _find(path: Path, images: Path, reading: ReadingOptions) -> Splits:
    file = path / "annotations.xml" if path.is_dir() else path
    if file.suffix.lower() != ".xml" or root_tag(file) != "annotations":
        return {}
    inside = file.parent / "images"
    folder = inside if images == file.parent and inside.is_dir() else images
    name = "cvat" if path.is_dir() else path.name
    return {name: partial(load_cvat_images, file, folder, **reading.given())}


READER: Final = Reader(_find, "annotations.xml (CVAT for images)", options=frozenset({"unlisted"}))
"""CVAT's file, or the folder that it is in, beside `images`."""
