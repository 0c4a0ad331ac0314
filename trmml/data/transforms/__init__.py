"""Image pipelines of the peers, on torchvision: photograph in, normalised tensor out."""

from trmml.data.transforms.cutout import RandomCutout
from trmml.data.transforms.pair_augment import PAIR_OPERATIONS, RandomOperationPair
from trmml.data.transforms.recipes import (
    CLIP_MEAN,
    CLIP_STD,
    IMAGENET_MEAN,
    IMAGENET_STD,
    TRANSFORM_RECIPES,
    build_transform,
)

__all__ = [
    "CLIP_MEAN",
    "CLIP_STD",
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "PAIR_OPERATIONS",
    "TRANSFORM_RECIPES",
    "RandomCutout",
    "RandomOperationPair",
    "build_transform",
]
