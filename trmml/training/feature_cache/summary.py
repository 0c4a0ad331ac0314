"""What a feature cache is, in words for a person."""

from pathlib import Path
from typing import Any

from trmml.training.feature_cache.blocks import Blocks
from trmml.training.feature_cache.card import read_card
from trmml.training.feature_cache.feature_file import readable_size

__all__ = ["describe_cache", "summarize"]


def describe_cache(folder: Path) -> str:
    """Tell what a cache's folder holds, from the folder alone.

    Raises:
        FileNotFoundError: If the folder is no cache.
        ValueError: If it is damaged.
    """
    card = read_card(folder)
    blocks = Blocks(folder, card["views"], card["images"], card["block_images"])
    done = sum(len(blocks[number]) for number in blocks.done())
    count = card["views"] * card["images"] * card["grid"][0] * card["grid"][1] * card["dim"]
    return summarize(folder, card, images_done=done, size=2 * count)


def summarize(folder: Path, card: dict[str, Any], *, images_done: int, size: int) -> str:
    """Write the main entries of a card, and how much of the cache is done."""
    encoder, total = card["encoder"], card["views"] * card["images"]
    height, width = card["resolution"]
    return "\n".join(
        [
            f"folder: {folder}",
            f"done: {images_done} of {total} ({card['images']} images in {card['views']} views)",
            f"size: {readable_size(size)}, {card['grid'][0]} x {card['grid'][1]} positions of "
            f"{card['dim']} {card['dtype']} numbers",
            f"encoder: {encoder['family']} {encoder['name']}, weights "
            f"{encoder['fingerprint'][:12]}",
            f"images: {height} x {width} pixels, list {card['image_list'][:12]}",
            f"seed: {card['seed']}",
            f"transform: {_steps(card['transform'])}",
        ]
    )


def _steps(transform: Any) -> str:  # noqa: ANN401 - any JSON value
    """Name the classes and functions of a described transform, without their settings."""
    if isinstance(transform, dict):
        name = next(iter(transform.values()), None)
        inner = [_steps(part) for part in transform.get("transforms", [])]
        short = name.split(".")[-1] if isinstance(name, str) else "own code"
        return f"{short}({', '.join(inner)})" if inner else short
    return str(transform)
