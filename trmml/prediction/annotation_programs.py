"""What Label Studio and FiftyOne call things, for all files that are written for them."""

import os
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

__all__ = ["choice", "classification", "dataset", "local_address", "sample"]

_LOCAL_FILES: Final = "/data/local-files/?d="


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


def choice(question: str, word: str) -> dict[str, Any]:
    """Return an answer of Label Studio.

    Args:
        question: Name of the question in the interface.
        word: What was chosen.
    """
    return {
        "from_name": question,
        "to_name": "image",
        "type": "choices",
        "value": {"choices": [word]},
    }


def classification(
    label: str, *, tags: list[str], confidence: float | None = None
) -> dict[str, Any]:
    """Return a label of FiftyOne.

    Args:
        label: Name of the class.
        tags: What is said of it.
        confidence: That it is there; None leaves it out.
    """
    plain = {"_cls": "Classification", "tags": tags, "label": label}
    return plain if confidence is None else plain | {"confidence": confidence}


def sample(path: Path, name: str, field: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return an image of FiftyOne.

    Args:
        path: Of the image.
        name: Of the image in its table.
        field: Where its classifications are.
        found: These.
    """
    return {
        "filepath": str(path.absolute()),
        "file": name,
        "tags": [],
        field: {"_cls": "Classifications", "classifications": found},
    }


def dataset(name: str, field: str, samples: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a dataset of FiftyOne.

    Args:
        name: What it is called there.
        field: As in `sample`.
        samples: Its images.
    """
    return {
        "name": name,
        "media_type": "image",
        "sample_fields": {  # it refuses a sample with fields that the dataset does not declare
            "file": "fiftyone.core.fields.StringField",
            field: (
                "fiftyone.core.fields.EmbeddedDocumentField(fiftyone.core.labels.Classifications)"
            ),
        },
        "samples": samples,
    }
