"""What a reader of an exported file must know, in it and beside it."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import torch

from trmml import __version__
from trmml.atomic_write import atomic_write_binary, synced_partial
from trmml.json_text import json_text
from trmml.models import MultiLabelModel

__all__ = ["METADATA_KEY", "describe", "writing"]

METADATA_KEY = "trmml"
FORMAT = 1


def describe(model: MultiLabelModel, *, regions: bool) -> dict[str, Any]:
    """Say what goes into an exported graph, what comes out, and what it means, as plain values."""
    size, encoder = model.image_size, model.image_encoder
    return {
        "format": FORMAT,
        "versions": {"trmml": __version__, "torch": torch.__version__},
        "encoders": model.encoders.source._asdict(),
        "class_names": model.class_names.titles,
        "decision_thresholds": model.decision_thresholds,
        "image_size": size,
        "preprocessing": {
            "orientation": "as the EXIF tag says",
            "channels": "RGB, 8 bits a channel",
            "transparency": "over white",
            "grey of 16 bits": "keeps the upper 8, or those of 12 where no value is above 4095; a "
            "TIFF in which 0 is white is inverted",
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
def writing(path: Path, description: dict[str, Any]) -> Iterator[BinaryIO]:
    """Give a file to write a graph to; once whole, it and its description get their names.

    The description is beside the graph, under its name with `.json` added, together with the
    graph's SHA-256. If the block fails, nothing is left behind.
    """
    partial_sidecar = None
    try:
        with atomic_write_binary(path) as file:
            yield file
            file.seek(0)
            written: Any = file  # `hashlib` is annotated more narrowly than it is
            digest = hashlib.file_digest(written, "sha256").hexdigest()
            sidecar = path.with_name(f"{path.name}.json")
            text = json_text({**description, "sha256": digest}, indent=2)
            partial_sidecar = synced_partial(sidecar, text)
        partial_sidecar.replace(sidecar)
    finally:
        if partial_sidecar is not None:
            partial_sidecar.unlink(missing_ok=True)
