"""A whole table for Label Studio and FiftyOne: what is known, what is not, and scores."""

from pathlib import Path
from typing import Any, Final, Literal
from xml.sax.saxutils import quoteattr

from jaxtyping import Float
from torch import Tensor

from trmml.atomic_write import atomic_write
from trmml.choices import check_choice
from trmml.data import ImageTable
from trmml.json_text import json_text
from trmml.labels import NEGATIVE, POSITIVE, UNKNOWN
from trmml.prediction.annotation_programs import (
    choice,
    classification,
    dataset,
    local_address,
    sample,
)

__all__ = ["AnnotationFormat", "label_studio_interface", "write_annotations"]

AnnotationFormat = Literal["label-studio", "fiftyone"]
"""Whose file is written."""

_WORDS: Final = {POSITIVE: "yes", NEGATIVE: "no", UNKNOWN: "unknown"}


def write_annotations(
    table: ImageTable,
    path: str | Path,
    *,
    format: AnnotationFormat,
    probabilities: Float[Tensor, "rows classes"] | None = None,
) -> None:
    """Write a table with its labels, known or not, for a program in which people annotate.

    "label-studio" has a task for each image, with a question for each class, called as the class;
    `label_studio_interface` is the interface that asks them. Known labels are an annotation, and
    where there are probabilities, what they say of every class is a prediction. "fiftyone" has a
    sample for each image, for `fiftyone.Dataset.from_json`, with a classification for each class in
    the field `labels`: its tag is yes, no or unknown, its confidence the probability. What either
    program exports is read by `trmml.data.open_split`: a label that nobody gave is unknown.

    Args:
        table: Images and labels; images are not opened.
        path: JSON file to write.
        format: Whose file.
        probabilities: That each class is there, in [0, 1]; a row of nan has none.

    Raises:
        ValueError: If there is no such format, the shape differs, or the file cannot be written.
    """
    check_choice(format, AnnotationFormat, argument="format")
    if probabilities is not None and probabilities.shape != table.labels.shape:
        raise ValueError(
            f"`probabilities` must have the shape of the labels, {list(table.labels.shape)}, got "
            f"{list(probabilities.shape)}."
        )
    scores = [None] * len(table) if probabilities is None else _scores(probabilities)
    content = _tasks(table, scores) if format == "label-studio" else _samples(table, scores)
    with atomic_write(path) as file:
        file.write(json_text(content, indent=1))


def label_studio_interface(class_names: tuple[str, ...] | list[str]) -> str:
    """Return Label Studio's labelling interface: yes, no or unknown for each class.

    Args:
        class_names: One name a class.

    Examples:
        >>> print(label_studio_interface(["cat"]))
        <View>
          <Image name="image" value="$image"/>
          <Header value="cat"/>
          <Choices name="cat" toName="image" choice="single" showInline="true">
            <Choice value="yes"/><Choice value="no"/><Choice value="unknown"/>
          </Choices>
        </View>
    """
    choices = "".join(f'<Choice value="{word}"/>' for word in _WORDS.values())
    questions = [
        f"  <Header value={quoteattr(name)}/>\n"
        f'  <Choices name={quoteattr(name)} toName="image" choice="single" showInline="true">\n'
        f"    {choices}\n"
        "  </Choices>\n"
        for name in class_names
    ]
    image = '  <Image name="image" value="$image"/>\n'
    return f"<View>\n{image}{''.join(questions)}</View>"


def _scores(probabilities: Tensor) -> list[list[float] | None]:
    readable = ~probabilities.isnan().any(1)
    rows = zip(probabilities.tolist(), readable.tolist(), strict=True)
    return [row if good else None for row, good in rows]


def _tasks(table: ImageTable, scores: list[Any]) -> list[dict[str, Any]]:
    tasks = []
    rows = zip(table.names, table.paths, table.labels.tolist(), scores, strict=True)
    for name, path, labels, row in rows:
        known = [
            choice(title, _WORDS[label])
            for title, label in zip(table.class_names, labels, strict=True)
            if label != UNKNOWN
        ]
        task: dict[str, Any] = {
            "data": {"image": local_address(path, table.root), "file": name},
            "annotations": [{"result": known}] if known else [],
        }
        if row is not None:
            said = [
                choice(title, "yes" if score >= 0.5 else "no") | {"score": score}
                for title, score in zip(table.class_names, row, strict=True)
            ]
            # A task's own score is what Label Studio sorts by: how sure the least sure answer is.
            surest = min(max(score, 1 - score) for score in row)
            task["predictions"] = [{"model_version": "trmml", "score": surest, "result": said}]
        tasks.append(task)
    return tasks


def _samples(table: ImageTable, scores: list[Any]) -> dict[str, Any]:
    samples = []
    rows = zip(table.names, table.paths, table.labels.tolist(), scores, strict=True)
    for name, path, labels, row in rows:
        found = [
            classification(
                title, tags=[_WORDS[label]], confidence=None if row is None else row[column]
            )
            for column, (title, label) in enumerate(zip(table.class_names, labels, strict=True))
        ]
        samples.append(sample(path, name, "labels", found))
    return dataset("labels", "labels", samples)
