"""What a feature cache is made from, readable by a person, and the key that follows from it."""

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from torch import nn

from trmml import __version__
from trmml.atomic_write import write_atomically
from trmml.data import ImageTable
from trmml.encoders.fingerprint import fingerprint
from trmml.encoders.protocol import EncoderPair
from trmml.stored_files import read_json, require_kinds
from trmml.training.feature_cache.blocks import Blocks
from trmml.training.feature_cache.feature_file import readable_size
from trmml.training.feature_cache.filling import probe
from trmml.training.feature_cache.transform_description import describe
from trmml.training.sources.seeded_images import SEEDED, SeededImages

__all__ = [
    "CARD",
    "card_key",
    "describe_cache",
    "make_card",
    "read_card",
    "summarize",
    "write_card",
]

CARD = "card.json"
FORMAT = 1
WHAT: Final = "the card of a feature cache"
KINDS: Final[dict[str, Any]] = {
    "encoder": dict,
    "resolution": list,
    "seed": int,
    "seeded": list,
    "views": int,
    "images": int,
    "image_list": str,
    "grid": list,
    "dim": int,
    "dtype": str,
    "block_images": int,
}
ENCODER_KINDS: Final[dict[str, Any]] = {"family": str, "name": str, "fingerprint": str}
COUNTS: Final = ("views", "images", "dim", "block_images")
LARGEST_SIZE: Final = 2**31


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


def read_card(folder: Path) -> dict[str, Any]:
    """Read the card of a cache's folder.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is damaged.
    """
    path, remedy = folder / CARD, f"delete the folder {folder}"
    card = read_json(path, what=WHAT, remedy=remedy)
    if card_key(card) != folder.name:
        raise ValueError(
            f"{path} must be the card that its folder is named after; it is damaged or was "
            f"changed. Delete the folder {folder}."
        )
    # A folder can be named after any card; only what this library wrote is shown and computed with.
    require_kinds(card, KINDS, where=path, what=WHAT, remedy=remedy)
    require_kinds(card["encoder"], ENCODER_KINDS, where=path, what=WHAT, remedy=remedy)
    sizes = [card[name] for name in COUNTS]
    for name in ("resolution", "grid"):
        pair = card[name]
        sizes += pair if len(pair) == 2 else [0]
    if not all(type(size) is int and 1 <= size <= LARGEST_SIZE for size in sizes):
        raise ValueError(
            f"{path} must be {WHAT} whose {', '.join(COUNTS)} and both numbers of resolution and "
            f"grid are from 1 to {LARGEST_SIZE}; {remedy}."
        )
    return card


def write_card(folder: Path, card: dict[str, Any]) -> None:
    """Write the card of a cache's folder."""
    text = json.dumps(card, indent=2, ensure_ascii=False)
    write_atomically(folder / CARD, text.encode())


def describe_cache(folder: Path) -> str:
    """Tell what a cache's folder holds, from the folder alone.

    Raises:
        FileNotFoundError: If the folder is no cache.
        ValueError: If it is damaged.
    """
    card = read_card(folder)
    blocks = Blocks(folder, card["views"], card["images"], card["block_images"])
    done = sum(len(blocks[number]) for number in blocks.done())
    return summarize(folder, card, images_done=done)


def summarize(folder: Path, card: dict[str, Any], *, images_done: int) -> str:
    """Write the main entries of a card, and how much of the cache is done."""
    encoder, total = card["encoder"], card["views"] * card["images"]
    height, width = card["resolution"]
    size = 2 * total * card["grid"][0] * card["grid"][1] * card["dim"]
    return "\n".join(
        [
            f"folder: {folder}",
            f"done: {images_done} of {total} ({card['images']} images in {card['views']} views)",
            f"size: {readable_size(size)}, {card['grid'][0]} x {card['grid'][1]} positions of "
            f"{card['dim']} {card['dtype']} numbers",
            f"encoder: {encoder['family']} {encoder['name']}, weights "
            f"{encoder['fingerprint'][:12]}",
            f"images: {height} x {width} pixels, list {card['image_list'][:12]}",
            f"seed: {card['seed']} of {', '.join(map(str, card['seeded']))}",
            f"transform: {_steps(card.get('transform'))}",
        ]
    )


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


def _steps(transform: Any) -> str:  # noqa: ANN401 - any JSON value
    """Name the classes and functions of a described transform, without their settings."""
    if isinstance(transform, dict):
        name = next(iter(transform.values()), None)
        parts = transform.get("transforms")
        inner = [_steps(part) for part in parts] if isinstance(parts, list) else []
        short = name.split(".")[-1] if isinstance(name, str) else "own code"
        return f"{short}({', '.join(inner)})" if inner else short
    return str(transform)
