"""What a feature cache is made from, readable by a person, and the key that follows from it."""

import hashlib
import json
from typing import Any

from torch import nn

from trmml import __version__
from trmml.data import ImageTable
from trmml.encoders.fingerprint import fingerprint
from trmml.encoders.protocol import EncoderPair
from trmml.training.feature_cache.filling import probe
from trmml.training.feature_cache.transform_description import describe
from trmml.training.sources.seeded_images import SEEDED, SeededImages

__all__ = ["card_key", "make_card"]

FORMAT = 1


def make_card(
    encoders: EncoderPair,
    images: SeededImages,
    *,
    num_views: int,
    block_images: int,
) -> dict[str, Any]:
    """Collect everything that the bytes of a cache depend on.

    Raises:
        ValueError: If the tower learns or is no `nn.Module`, or the transform cannot be described.
    """
    tower, source, table = encoders.image, encoders.source, images.table
    if not isinstance(tower, nn.Module):
        raise ValueError(
            "`encoders` must have an `nn.Module` as image tower, whose weights can be told from "
            f"others, got {type(tower).__name__}."
        )
    learning = [name for name, value in tower.named_parameters() if value.requires_grad]
    if learning:
        raise ValueError(
            f"`encoders` must have a frozen image tower, got one that learns {learning}; its "
            "features change while it is trained, so train it without a cache."
        )
    resolution, grid = probe(encoders.image, images)
    card = {
        "format": FORMAT,
        "trmml": __version__,
        "encoder": {
            "family": source.family,
            "name": source.name,
            "options": {name: str(value) for name, value in source.options.items()},
            "tower": type(tower).__qualname__,
            "dense_path": getattr(tower, "dense_path", None),
            "autocast_dtype": str(getattr(tower, "autocast_dtype", None)),
            "fingerprint": fingerprint(tower),
        },
        "transform": describe(table.transform),
        "resolution": resolution,
        "min_side": table.min_side,
        "broken": table.broken,
        "seed": images.seed,
        "seeded": SEEDED,
        "views": num_views,
        "images": len(table),
        "image_list": _image_list_checksum(table),
        "grid": grid,
        "dim": tower.dim,
        "dtype": "float16",
        "block_images": block_images,
    }
    return json.loads(json.dumps(card))  # as it comes back from the file


def card_key(card: dict[str, Any]) -> str:
    """Return the SHA-256 of a card, which names its cache: 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(card, sort_keys=True).encode()).hexdigest()


def _image_list_checksum(table: ImageTable) -> str:
    """Digest names, sizes and times of change; a file that is missing counts as such."""
    digest = hashlib.sha256()
    for name, path in zip(table.names, table.paths, strict=True):
        try:
            found = path.stat()
            digest.update(f"{name}\0{found.st_size}\0{found.st_mtime_ns}\0".encode())
        except OSError:
            digest.update(f"{name}\0missing\0".encode())
    return digest.hexdigest()
