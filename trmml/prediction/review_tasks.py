"""Proposed labels as questions for Label Studio and FiftyOne."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from trmml.atomic_write import atomic_write
from trmml.data import ImageTable
from trmml.json_text import json_text
from trmml.labels import POSITIVE
from trmml.prediction.annotation_programs import (
    choice,
    classification,
    dataset,
    local_address,
    sample,
)
from trmml.prediction.proposal import Proposal
from trmml.prediction.review_file import write_review

__all__ = ["ReviewFormat", "write_review_tasks"]

ReviewFormat = Literal["csv", "label-studio", "fiftyone"]
"""How proposals are written for review."""


def write_review_tasks(
    proposals: Sequence[Proposal],
    path: str | Path,
    *,
    table: ImageTable,
    format: ReviewFormat,
) -> None:
    """Write proposals for the program in which people review them.

    "label-studio" has a task for each proposal, with what the model would answer as a prediction;
    its labelling interface is one question, `$class`, with the choices yes, no and unknown. An
    image is at the address that Label Studio gives to its local files, below the folder that holds
    the folder of the images: it serves no file that lies in its own root. "fiftyone" has a sample
    for each image, for `fiftyone.Dataset.from_json`, with a classification for each proposal: an
    answer is a tag on it, yes, no or unknown. `merge_review` reads both back.

    Args:
        proposals: In the order in which they are to be asked about.
        path: File to write.
        table: The images that the proposals were made for.
        format: Of the file.

    Raises:
        ValueError: If the file cannot be written.
    """
    if format == "csv":
        write_review(list(proposals), path)
        return
    content = _tasks(proposals, table) if format == "label-studio" else _samples(proposals, table)
    with atomic_write(path) as file:
        file.write(json_text(content, indent=1))


def _tasks(proposals: Sequence[Proposal], table: ImageTable) -> list[dict[str, Any]]:
    paths = dict(zip(table.names, table.paths, strict=True))
    return [
        {
            "data": {
                "image": local_address(paths[one.image], table.root),
                "file": one.image,
                "class": one.class_name,
            },
            "predictions": [
                {
                    "model_version": one.source,
                    "score": one.confidence,
                    "result": [choice("present", "yes" if one.label == POSITIVE else "no")],
                }
            ],
        }
        for one in proposals
    ]


def _samples(proposals: Sequence[Proposal], table: ImageTable) -> dict[str, Any]:
    paths = dict(zip(table.names, table.paths, strict=True))
    of_image: dict[str, list[dict[str, Any]]] = {}
    for one in proposals:
        found = classification(one.class_name, tags=[], confidence=one.probability)
        of_image.setdefault(one.image, []).append(found)
    samples = [sample(paths[image], image, "proposals", found) for image, found in of_image.items()]
    return dataset("labels to review", "proposals", samples)
