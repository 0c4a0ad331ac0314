"""What a reader of an exported file must know, in it and beside it."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import torch

from trmml import __version__
from trmml.models import TextRegionMatcher

__all__ = ["METADATA_KEY", "describe", "writing"]

METADATA_KEY = "trmml"
FORMAT = 1


def describe(model: TextRegionMatcher, *, regions: bool) -> dict[str, Any]:
    """Say what goes into an exported graph, what comes out, and what it means, as plain values."""
    size, encoder = model.image_size, model.image_encoder
    return {
        "format": FORMAT,
        "versions": {"trmml": __version__, "torch": torch.__version__},
        "encoders": model.encoders.source._asdict(),
        "class_names": [n if isinstance(n, str) else n[0] for n in model.class_names],
        "decision_thresholds": getattr(model, "decision_thresholds", None),
        "image_size": size,
        "preprocessing": {
            "orientation": "as the EXIF tag says",
            "channels": "RGB",
            "resize": "bicubic, antialiased as Pillow does, to a square of image_size",
            "keep_aspect_ratio": False,
        },
        "input": {"name": "pixels", "dtype": "uint8", "shape": ["batch", 3, size, size]},
        "outputs": ["probabilities", "regions"] if regions else ["probabilities"],
        "normalization": {
            "inside_the_graph": True,
            "mean": list(encoder.mean),
            "std": list(encoder.std),
        },
    }


@contextmanager
def writing(path: Path, description: dict[str, Any]) -> Iterator[IO[bytes]]:
    """Give a file to write a graph to; once whole, it and its description get their names.

    The description is beside the graph, under its name with `.json` added, together with the
    graph's SHA-256. If the block fails, nothing is left behind.
    """
    sidecar = path.with_name(f"{path.name}.json")
    partial, partial_sidecar = (Path(f"{file}.partial") for file in (path, sidecar))
    try:
        with partial.open("wb+") as file:
            yield file
            _settle(file)
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        text = json.dumps({**description, "sha256": digest}, indent=2, ensure_ascii=False)
        with partial_sidecar.open("wb") as file:
            file.write(text.encode())
            _settle(file)
        partial.replace(path)
        partial_sidecar.replace(sidecar)
    finally:
        partial.unlink(missing_ok=True)
        partial_sidecar.unlink(missing_ok=True)


def _settle(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
