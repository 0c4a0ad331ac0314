"""Proposed labels as questions for Label Studio and FiftyOne."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote

from trmml.atomic_write import atomic_write
from trmml.data import ImageTable
from trmml.json_text import json_text
from trmml.labels import POSITIVE
from trmml.prediction.proposal import Proposal
from trmml.prediction.review_file import write_review

__all__ = ["SAMPLE_FIELDS", "ReviewFormat", "local_address", "write_review_tasks"]

ReviewFormat = Literal["csv", "label-studio", "fiftyone"]
"""How proposals are written for review."""

_LOCAL_FILES: Final = "/data/local-files/?d="

SAMPLE_FIELDS: Final = {  # FiftyOne refuses a sample with fields that the dataset does not declare
    "file": "fiftyone.core.fields.StringField",
    "proposals": (
        "fiftyone.core.fields.EmbeddedDocumentField(fiftyone.core.labels.Classifications)"
    ),
}


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
                    "result": [
                        {
                            "from_name": "present",
                            "to_name": "image",
                            "type": "choices",
                            "value": {"choices": ["yes" if one.label == POSITIVE else "no"]},
                        }
                    ],
                }
            ],
        }
        for one in proposals
    ]


def local_address(path: Path, root: Path) -> str:
    """Return the address that Label Studio gives to a local file below the folder it serves.

    Args:
        path: Of an image.
        root: Folder of the images; what is served is the folder around it.
    """
    served = Path(os.path.abspath(root)).parent  # noqa: PTH100 - a link keeps its name
    full = Path(os.path.abspath(path))  # noqa: PTH100
    shown = full.relative_to(served) if full.is_relative_to(served) else full
    return _LOCAL_FILES + quote(shown.as_posix(), errors="surrogateescape")


def _samples(proposals: Sequence[Proposal], table: ImageTable) -> dict[str, Any]:
    paths = dict(zip(table.names, table.paths, strict=True))
    of_image: dict[str, list[dict[str, Any]]] = {}
    for one in proposals:
        of_image.setdefault(one.image, []).append(
            {
                "_cls": "Classification",
                "tags": [],
                "label": one.class_name,
                "confidence": one.probability,
            }
        )
    samples = [
        {
            "filepath": str(paths[image].absolute()),
            "file": image,
            "tags": [],
            "proposals": {"_cls": "Classifications", "classifications": found},
        }
        for image, found in of_image.items()
    ]
    return {
        "name": "labels to review",
        "media_type": "image",
        "sample_fields": SAMPLE_FIELDS,
        "samples": samples,
    }
