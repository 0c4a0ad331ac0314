"""Label Studio's exports of choices for whole images: JSON, JSON-MIN and CSV."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

from trmml.choices import check_choice
from trmml.data.image_formats import IMAGE_SUFFIXES
from trmml.data.image_table import ImageTable
from trmml.data.readers.csv_rows import read_sheet
from trmml.data.readers.dataset_files import read_json
from trmml.data.readers.image_addresses import address_tails, files_of_addresses
from trmml.data.readers.image_choices import Answer, answer_meaning, labels_of_choices
from trmml.data.readers.json_shape import json_shape
from trmml.data.readers.reader import Reader, Splits
from trmml.data.readers.reading_options import ReadingOptions
from trmml.data.readers.text_files import read_text

__all__ = ["READER", "load_label_studio"]

UnlistedMeaning = Literal["negative", "unknown"]

_OWN = frozenset(
    {"id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement"}
    | {"was_cancelled"}
)


def load_label_studio(
    export: str | os.PathLike[str],
    images: str | os.PathLike[str],
    *,
    unlisted: UnlistedMeaning = "negative",
    transform: Any = None,  # noqa: ANN401 - any callable on a PIL image
) -> ImageTable:
    """Read what people chose for whole images in Label Studio, with its `Choices`.

    A question with the choices yes, no and unknown (or words like them) is a class, called as the
    question; of another one, each choice is a class. An image that was skipped, or that nobody
    looked at, is unknown, and so is a label about which people disagree.

    Args:
        export: The file, in JSON, JSON-MIN or CSV. The last two do not tell choices from other
            columns; where that is open, JSON is asked for.
        images: Folder of the images; of an address, its longest end that is there counts, with or
            without the number that Label Studio puts before what was uploaded.
        unlisted: What a choice is that was not made for an image: "negative" or "unknown".
        transform: Callable on a decoded image.

    Raises:
        ValueError: If the file is malformed, has no choices, or does not tell where they are.
    """
    check_choice(unlisted, UnlistedMeaning, argument="unlisted")
    path = Path(export)
    answers: dict[str, list[Answer]] = {}
    records = list(_tasks(path) if _is_full(path) else _flat(path))
    for address, given in records:
        answers.setdefault(address, []).extend(given)
    found = labels_of_choices(answers, source=str(path), unlisted=unlisted)
    names = files_of_addresses(list(answers), images)
    twins = [name for name, count in Counter(names).items() if count > 1]
    if twins:
        raise ValueError(f"{path}: several images are called {twins[0]!r} in {images}.")
    return ImageTable(
        images, names, found.labels, found.class_names, transform=transform, notes=found.notes
    )


def _tasks(path: Path) -> Iterator[tuple[str, list[Answer]]]:
    """Yield the image of each task, and its answers."""
    try:
        tasks = read_json(path)
        key = _image_key([task["data"] for task in tasks], path)
        for task in tasks:
            given = task.get("annotations", task.get("completions")) or []
            kept = [one for one in given if not _is_cancelled(one)]
            yield task["data"][key], [_answer(one["result"]) for one in kept]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path}: must be a list of tasks with `data` and `annotations` as Label Studio "
            f"exports them, got something else at {error}."
        ) from None


def _answer(results: Any) -> Answer:  # noqa: ANN401 - whatever the file holds
    answer: Answer = {}
    for result in results:
        if result["type"] == "choices":
            chosen = answer.setdefault(str(result["from_name"]), [])
            chosen += _chosen(result["value"]["choices"])
    return answer


def _flat(path: Path) -> Iterator[tuple[str, list[Answer]]]:
    """Yield the same of JSON-MIN and CSV, which have a row for each answer."""
    records = _records(path)
    try:
        image = _image_key(records, path)
        questions = _questions(records, image, path)
        for record in records:
            answer = {question: _chosen(record.get(question)) for question in questions}
            answer = {question: chosen for question, chosen in answer.items() if chosen}
            yield str(record[image]), [] if _is_cancelled(record) else [answer]
    except (TypeError, AttributeError) as error:
        raise ValueError(
            f"{path}: must be a list of records as Label Studio exports them, got something else "
            f"at {error}."
        ) from None


def _records(path: Path) -> list[Any]:
    if path.suffix.lower() == ".json":
        return read_json(path)
    head, rows = read_sheet(read_text(path), source=str(path))
    return [
        {name: _decoded(cell) for name, cell in zip(head.cells, row.cells, strict=True)}
        for row in rows
    ]


def _decoded(cell: str) -> Any:  # noqa: ANN401 - text, or what JSON in a cell holds
    if cell[:1] not in ("{", "["):
        return cell
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell


def _questions(records: list[Any], image: str, path: Path) -> list[str]:
    """Return the columns that are certainly choices; or the only one that may be."""
    columns = dict.fromkeys(key for record in records for key in record)
    certain, possible = [], []
    for column in columns:
        if column in _OWN or column == image:
            continue
        values = [record.get(column) for record in records]
        words = [value for value in values if isinstance(value, str) and value]
        if any(isinstance(value, Mapping) and "choices" in value for value in values) or (
            words and all(answer_meaning(word) is not None for word in words)
        ):
            certain.append(column)
        elif words:
            possible.append(column)
    if possible and (certain or len(possible) > 1):
        raise ValueError(
            f"{path}: this export does not say which of the columns "
            f"{', '.join([*certain, *possible])} are choices; export as JSON, or leave out what "
            "is none."
        )
    return certain or possible


def _chosen(value: Any) -> list[str]:  # noqa: ANN401 - whatever the file holds
    if isinstance(value, str):
        return [value.strip()] if value.strip() else []
    if isinstance(value, Mapping):
        return _chosen(value.get("choices"))
    if isinstance(value, list):
        return [choice for item in value for choice in _chosen(item)]
    if value is None:
        return []
    raise TypeError(f"the choice {str(value)[:40]!r}")


def _is_cancelled(record: Any) -> bool:  # noqa: ANN401 - whatever the file holds
    return str(record.get("was_cancelled", False)).casefold() in ("true", "1")


def _image_key(records: list[Any], path: Path) -> str:
    """Return the key under which the images are."""
    counts = Counter(key for record in records for key, value in record.items() if _is_image(value))
    every = [key for key, count in counts.items() if count == len(records)]
    if not every:
        there = ", ".join(dict.fromkeys(str(key) for record in records for key in record))
        raise ValueError(f"{path}: no column has an image file in every row, got {there}.")
    return "image" if "image" in every else every[0]


def _is_image(value: Any) -> bool:  # noqa: ANN401 - whatever the file holds
    return (
        isinstance(value, str) and Path(address_tails(value)[-1]).suffix.lower() in IMAGE_SUFFIXES
    )


def _is_full(path: Path) -> bool:
    first = json_shape(path).first
    return "data" in first and bool(first & {"annotations", "completions"})


def _find(path: Path, images: Path, reading: ReadingOptions) -> Splits:
    first = json_shape(path).first
    if path.suffix.lower() in (".csv", ".tsv") and path.is_file():
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            first = {name.strip('" ') for name in re.split("[,\t]", file.readline(1 << 16).strip())}
    if not _is_full(path) and not {"annotation_id", "lead_time"} <= first:
        return {}
    return {path.name: partial(load_label_studio, path, images, **reading.given())}


READER: Final = Reader(_find, options=frozenset({"unlisted"}))
"""One file that Label Studio exported."""
