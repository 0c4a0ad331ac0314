"""What people answered about proposed labels, in whatever program they did."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from trmml.data.readers.csv_rows import read_sheet
from trmml.data.readers.dataset_files import read_json
from trmml.data.readers.image_choices import answer_meaning
from trmml.data.readers.text_files import read_text
from trmml.labels import UNKNOWN

__all__ = ["ReviewAnswer", "review_answers"]

_YES: Final = {"1", "x", "y", "yes", "true"}
_NO: Final = {"", "0", "n", "no", "false"}
_UNKNOWN: Final = {"unknown", "unsure", "?"}


class ReviewAnswer(NamedTuple):
    """What is said about one class in one image.

    Attributes:
        where: The place in the file, to name in errors.
        image: File name of the image.
        class_name: The class.
        label: +1 or -1; 0 where the label stays unknown.
    """

    where: str
    image: str
    class_name: str
    label: int


def review_answers(path: str | Path) -> Iterator[ReviewAnswer]:
    """Yield the answers of a review file, one for each proposal.

    Args:
        path: A table of `write_review`; or what `write_review_tasks` wrote, as Label Studio (JSON,
            JSON-MIN, CSV, TSV) or FiftyOne (`write_json`, `samples.json`) gives it back.

    Raises:
        ValueError: With the place, if it is none of these, or an answer cannot be understood.
    """
    path = Path(path)
    if path.suffix.lower() != ".json":
        yield from _of_sheet(path)
        return
    content = read_json(path)
    try:
        if isinstance(content, Mapping):
            yield from _of_samples(content["samples"], path)
        elif any("annotation_id" in one for one in content):
            yield from _of_rows(content, path)
        else:
            yield from _of_tasks(content, path)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path}: must hold the tasks or samples that were written for review, with answers, "
            f"got something else at {error}."
        ) from None


def _of_sheet(path: Path) -> Iterator[ReviewAnswer]:
    head, lines = read_sheet(read_text(path), source=str(path))
    if {"file", "class", "annotation_id"} <= {*head.cells}:
        rows = [dict(zip(head.cells, line.cells, strict=True)) for line in lines]
        yield from _of_rows(rows, path)
        return
    absent = {"image", "class", "label", "accept"} - {*head.cells}
    if absent:
        raise ValueError(f"{path}: there is no column {', '.join(sorted(absent))}.")
    for row in lines:
        line = dict(zip(head.cells, row.cells, strict=True))
        where = f"{path}: {row.place}"
        answer = line["accept"].lower()
        if answer not in _YES | _NO | _UNKNOWN:
            raise ValueError(f"{where}: `accept` must be yes, no or empty, got {answer!r}.")
        if line["label"] not in ("1", "+1", "-1"):
            raise ValueError(f"{where}: `label` must be 1 or -1, got {line['label']!r}.")
        label = int(line["label"]) if answer in _YES else UNKNOWN
        yield ReviewAnswer(where, line["image"], line["class"], label)


def _of_tasks(tasks: Any, path: Path) -> Iterator[ReviewAnswer]:  # noqa: ANN401 - as in the file
    for number, task in enumerate(tasks, start=1):
        where, data = f"{path}: task {number}", task["data"]
        given = [one for one in task.get("annotations") or [] if not one.get("was_cancelled")]
        words = [
            str(choice)
            for one in given
            for result in one["result"]
            if result["type"] == "choices"
            for choice in result["value"]["choices"]
        ]
        yield ReviewAnswer(where, data["file"], data["class"], _agreed(words, where))


def _of_rows(rows: Any, path: Path) -> Iterator[ReviewAnswer]:  # noqa: ANN401 - as in the file
    """Yield the answers of Label Studio's short forms, which have a row for each annotation."""
    words: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        answer = row.get("present")
        words.setdefault((row["file"], row["class"]), []).extend([str(answer)] if answer else [])
    for (image, name), given in words.items():
        where = f"{path}: {name!r} in {image!r}"
        yield ReviewAnswer(where, image, name, _agreed(given, where))


def _of_samples(samples: Any, path: Path) -> Iterator[ReviewAnswer]:  # noqa: ANN401
    for number, sample in enumerate(samples, start=1):
        where = f"{path}: sample {number}"
        found = (sample.get("proposals") or {}).get("classifications", [])
        if not any(one.get("tags") for one in found):
            _refuse_answers_about_photographs(sample.get("tags") or [], where)
        for one in found:
            words = [str(tag) for tag in one.get("tags") or []]
            words = [word for word in words if answer_meaning(word) is not None]
            yield ReviewAnswer(where, sample["file"], one["label"], _agreed(words, where))


def _refuse_answers_about_photographs(tags: list[str], where: str) -> None:
    for tag in tags:
        if answer_meaning(str(tag)) is not None:
            raise ValueError(
                f"{where}: an answer must be a tag of a classification, got the tag {tag!r} of the "
                "photograph; tag its labels in FiftyOne instead."
            )


def _agreed(words: list[str], where: str) -> int:
    """Return what people agree on: unknown if they do not, or if nobody said anything."""
    meanings = {word: answer_meaning(word) for word in words}
    for word, meaning in meanings.items():
        if meaning is None:
            raise ValueError(f"{where}: an answer must be yes, no or unknown, got {word!r}.")
    found = {meaning for meaning in meanings.values() if meaning is not None}
    return found.pop() if len(found) == 1 else UNKNOWN
