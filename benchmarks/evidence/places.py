"""The worlds in which the questions are asked."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import torch

from benchmarks.evidence.taught_towers import SIDE, taught_tiny
from benchmarks.worlds import World, generated, real_coco256, real_photographs
from trmml.demo import ImageSet, photograph_data
from trmml.training import encode_images

ENCODED_AT_ONCE: Final = 50


def taught_landscapes(images: Path, labels: Path) -> World:
    """Return one half of the photographs with towers that were taught by the other half.

    Seven tenths of that half are to learn from, the rest to judge by.
    """
    data = photograph_data(images, labels, image_size=SIDE)
    whole = joined(data.train, data.test)
    half = len(whole) // 2
    seven_tenths = half + round(0.7 * (len(whole) - half))
    encoders = taught_tiny(part_of(whole, range(half)), data.class_names)
    train = part_of(whole, range(half, seven_tenths))
    judged = part_of(whole, range(seven_tenths, len(whole)))
    return {
        "encoders": encoders,
        "names": data.class_names,
        "train": encode_images(encoders.image, train.batches(ENCODED_AT_ONCE)),
        "truth": train.labels,
        "judged": encode_images(encoders.image, judged.batches(ENCODED_AT_ONCE)),
        "judged_truth": judged.labels,
    }


def joined(first: ImageSet, second: ImageSet) -> ImageSet:
    """Put one set after another."""

    def read(row: int) -> torch.Tensor:
        return first.read(row) if row < len(first) else second.read(row - len(first))

    return ImageSet([*first.names, *second.names], torch.cat([first.labels, second.labels]), read)


def part_of(images: ImageSet, rows: range) -> ImageSet:
    """Return some of a set's images."""
    return ImageSet(
        [images.names[row] for row in rows],
        images.labels[rows.start : rows.stop],
        lambda row: images.read(rows[row]),
    )


def opener(name: str, images: Path | None, labels: Path | None) -> Callable[[int], World]:
    """Return what gives a world for a seed; but for coco256, whose split it draws, always one.

    Raises:
        ValueError: If it needs photographs and there are none.
    """
    if name != "generated" and (images is None or (labels is None and name != "coco256")):
        raise ValueError(f"{name} needs --images, and but for coco256 --labels.")
    if images is None:
        world = generated()
    elif labels is None:
        return lambda seed: real_coco256(images, seed=seed)
    elif name == "landscapes":
        world = real_photographs(images, labels)
    else:
        world = taught_landscapes(images, labels)
    return lambda _: world
