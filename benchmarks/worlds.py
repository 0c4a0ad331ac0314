"""The worlds that benchmarks measure in: drawn scenes and photographs, each with its towers.

    python -m benchmarks.worlds landscapes --images DIR --labels CSV
    python -m benchmarks.worlds coco256 --images DIR

encode the photographs with the real pair of `examples/own_towers`, keep the features in `--cache`,
and print what the frozen towers know of them: all of it is ImageNet's.
"""

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NotRequired, TypedDict

import numpy as np
import torch

from benchmarks.kept_features import cache_folder, kept_features
from trmml.data import decode_image, square_pixels
from trmml.data.readers.coco import load_coco
from trmml.demo import photograph_data
from trmml.demo.images import WORLD_SEED, ImageSet
from trmml.encoders import EncoderPair, load_tiny
from trmml.labels import Labels
from trmml.metrics import average_precision
from trmml.models import zero_shot_scores, zero_shot_text_features
from trmml.training import StoredFeatures, encode_images
from trmml.world import Scenes, make_world

COCO_SIZE: Final = 448


class World(TypedDict):
    """Stored features to learn from and to judge by, with complete labels of both.

    `areas` are the shares of each image to learn from that show each class; `judged_boxes` are rows
    of class, left, top, right and bottom for each judged image, in shares of its sides. Both are
    there where somebody drew boxes.
    """

    encoders: EncoderPair
    names: Sequence[str]
    train: StoredFeatures
    truth: Labels
    judged: StoredFeatures
    judged_truth: Labels
    areas: NotRequired[torch.Tensor]
    judged_boxes: NotRequired[Sequence[torch.Tensor]]


def real_pair() -> EncoderPair:
    """Return the pair of towers whose knowledge is ImageNet's."""
    from examples.own_towers.pair import load_pair

    return load_pair()


def generated() -> World:
    """Return the generated world, its validation part to be judged on."""
    encoders, world = load_tiny(), make_world(seed=WORLD_SEED, num_test=0)
    train, judged = world.train, world.validation
    return {
        "encoders": encoders,
        "names": train.class_names,
        "train": encode_images(encoders.image, torch.from_numpy(train.images).split(50)),
        "truth": torch.from_numpy(train.labels).long(),
        "judged": encode_images(encoders.image, torch.from_numpy(judged.images).split(50)),
        "judged_truth": torch.from_numpy(judged.labels).long(),
        "areas": areas_of(train),
        "judged_boxes": boxes_of(judged),
    }


def boxes_of(scenes: Scenes) -> list[torch.Tensor]:
    """Return the boxes of each scene, in shares of its sides."""
    height, width = scenes.images.shape[-2:]
    sides = torch.tensor([1, width, height, width, height])
    return [torch.from_numpy(boxes) / sides for boxes in scenes.boxes]


def areas_of(scenes: Scenes) -> torch.Tensor:
    """Return the share of each scene that each class takes, by boxes and what is seen of them."""
    seen = zip(boxes_of(scenes), map(torch.from_numpy, scenes.visible), strict=True)
    return torch.stack([box_areas(*one, classes=len(scenes.class_names)) for one in seen])


def photographs(images: Path, labels: Path) -> World:
    """Return photographs with the tiny pair, their test part to be judged on."""
    encoders, data = load_tiny(), photograph_data(images, labels)
    return {
        "encoders": encoders,
        "names": data.class_names,
        "train": encode_images(encoders.image, data.train.batches(50)),
        "truth": data.train.labels.long(),
        "judged": encode_images(encoders.image, data.test.batches(50)),
        "judged_truth": data.test.labels.long(),
    }


def real_photographs(images: Path, labels: Path, *, cache: Path | None = None) -> World:
    """Return photographs with the real pair, split as `photographs` does.

    Args:
        images: Their folder.
        labels: A table of them.
        cache: Where features are kept; None for the system's folder of such things.
    """
    encoders, data = real_pair(), photograph_data(images, labels)
    return {
        "encoders": encoders,
        "names": data.class_names,
        "train": kept_features(encoders, data.train, cache or cache_folder()),
        "truth": data.train.labels.long(),
        "judged": kept_features(encoders, data.test, cache or cache_folder()),
        "judged_truth": data.test.labels.long(),
    }


def real_coco256(root: Path, *, seed: int = 0, cache: Path | None = None) -> World:
    """Return 256 photographs of COCO with the real pair, half of them to be judged on.

    So few tell little: of 80 categories 76 occur, half of them seven times or less, and among those
    judged three times or less. Draw several splits, and leave out of a mean the categories without
    a positive among those judged, as `mean_average_precision` does.

    Args:
        root: Folder in COCO's layout of 2017.
        seed: Of the split.
        cache: Where features are kept; None for the system's folder of such things.
    """
    encoders, images = real_pair(), coco_images(root)
    features = kept_features(encoders, images, cache or cache_folder())
    train, judged = halves(len(images), seed)
    boxes, classes = coco_boxes(root, images.names), images.labels.shape[1]
    return {
        "encoders": encoders,
        "names": coco_names(root),
        "train": StoredFeatures(*features[train]),
        "truth": images.labels[train],
        "judged": StoredFeatures(*features[judged]),
        "judged_truth": images.labels[judged],
        "areas": torch.stack([box_areas(boxes[row], classes=classes) for row in train]),
        "judged_boxes": [boxes[row] for row in judged],
    }


def halves(images: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the rows to learn from, and those to be judged."""
    order = torch.from_numpy(np.random.RandomState(seed).permutation(images))
    return order[: images // 2], order[images // 2 :]


def box_areas(
    boxes: torch.Tensor, visible: torch.Tensor | None = None, *, classes: int
) -> torch.Tensor:
    """Return the share of an image that the boxes of each class take, at most 1.

    Args:
        boxes: As in `World`.
        visible: Which share of each can be seen; None for all of it.
        classes: How many there are.
    """
    taken = (boxes[:, 3:] - boxes[:, 1:3]).prod(dim=1)
    taken = taken if visible is None else taken * visible
    return torch.zeros(classes).index_add_(0, boxes[:, 0].long(), taken).clamp(max=1)


def coco_boxes(root: Path, names: Sequence[str]) -> list[torch.Tensor]:
    """Return the boxes of each photograph of COCO 2017, in shares of its sides."""
    found: dict[str, list[list[float]]] = {name: [] for name in names}
    for split in ("train", "val"):
        told = json.loads((root / "annotations" / f"instances_{split}2017.json").read_text())
        classes = {c["id"]: row for row, c in enumerate(told["categories"])}
        images = {image["id"]: image for image in told["images"]}
        for one in told["annotations"]:
            image = images[one["image_id"]]
            wide, high = image["width"], image["height"]
            left, top, width, height = one["bbox"]
            box = [left / wide, top / high, (left + width) / wide, (top + height) / high]
            found[image["file_name"]].append([classes[one["category_id"]], *box])
    return [torch.tensor(found[name]).reshape(-1, 5) for name in names]


def coco_names(root: Path) -> tuple[str, ...]:
    """Return COCO's 80 names."""
    return load_coco(root, "val", year=2017, rows="all").class_names


def coco_images(root: Path) -> ImageSet:
    """Return the photographs of both parts of COCO 2017."""
    tables = [load_coco(root, split, year=2017, rows="all") for split in ("train", "val")]
    paths = [path for table in tables for path in table.paths]

    def read(row: int) -> torch.Tensor:
        return square_pixels(decode_image(paths[row], min_side=COCO_SIZE), COCO_SIZE)

    labels = torch.cat([table.labels for table in tables]).long()
    return ImageSet([path.name for path in paths], labels, read)


def zero_shot(world: World) -> dict[str, tuple[list[float], list[float]]]:
    """Return the average precision of each category by frozen towers: of all images, of the judged.

    By position, as TRM-ML looks, and of whole images; a category that does not occur has nan.
    """
    texts = zero_shot_text_features(world["encoders"].text, world["names"])
    found = {}
    for kind in ("by position", "whole"):
        scores = [
            scored(world[part], texts, dense=kind == "by position") for part in ("train", "judged")
        ]
        everything = torch.cat(scores), torch.cat([world["truth"], world["judged_truth"]])
        parts = [everything, (scores[1], world["judged_truth"])]
        found[kind] = tuple(average_precision(*part).tolist() for part in parts)
    return found


def scored(features: StoredFeatures, texts: torch.Tensor, *, dense: bool) -> torch.Tensor:
    """Score stored features by the names of the classes, some at a time."""
    rows = torch.arange(len(features)).split(256)
    return torch.cat([zero_shot_scores(features[part], texts, dense=dense) for part in rows])


def main(arguments: Sequence[str] | None = None) -> None:
    """Encode what is not kept yet, and print what the towers know."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("world", choices=["landscapes", "coco256"])
    parser.add_argument("--images", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--labels", type=Path, help="table of landscapes")
    parser.add_argument("--cache", type=Path, help="folder to keep features in")
    options = parser.parse_args(arguments)
    if options.world == "coco256":
        world = real_coco256(options.images, cache=options.cache)
    elif options.labels is None:
        parser.error("--labels: landscapes need a table; give its path.")
    else:
        world = real_photographs(options.images, options.labels, cache=options.cache)
    numbers = len(world["truth"]) + len(world["judged_truth"]), len(world["judged_truth"])
    for kind, parts in zero_shot(world).items():
        for part, number, found in zip(("all", "judged"), numbers, parts, strict=True):
            seen = [value for value in found if not math.isnan(value)]
            print(
                f"{options.world}, {part} {number} images, {kind}: "
                f"mAP {100 * sum(seen) / len(seen):.1f} over {len(seen)} categories"
            )


if __name__ == "__main__":
    main()
