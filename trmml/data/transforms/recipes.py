"""The peers' image pipelines by name, with the normalisation of the encoder in use."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import torch
from PIL import Image
from torchvision.transforms import v2

from trmml.choices import check_choice
from trmml.data.images import to_rgb
from trmml.data.transforms.cutout import RandomCutout
from trmml.data.transforms.pair_augment import RandomOperationPair

__all__ = [
    "CLIP_MEAN",
    "CLIP_STD",
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "TRANSFORM_RECIPES",
    "TransformRecipe",
    "build_transform",
]

TransformRecipe = Literal["tai-dpt", "asl", "hcp", "spml"]

CLIP_MEAN: Final = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD: Final = (0.26862954, 0.26130258, 0.27577711)
IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
IMAGENET_STD: Final = (0.229, 0.224, 0.225)

_BICUBIC = v2.InterpolationMode.BICUBIC
_BILINEAR = v2.InterpolationMode.BILINEAR
_GREY = [128.0, 128.0, 128.0]


def build_transform(
    recipe: TransformRecipe = "tai-dpt",
    *,
    train: bool,
    size: int = 448,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
) -> v2.Compose:
    """Build the pipeline of a published recipe, from a photograph to a normalised tensor.

    - `"tai-dpt"`, which TRM-ML follows: a random crop of half to all of the image, or squeeze and
      cover 0.4, either with probability one half; a policy; flip. Test: bicubic.
    - `"asl"` (ASL, DualCoOp, CSL, SPLC): squeeze, cover 0.5, two random operations, no flip.
      Test: bilinear.
    - `"hcp"` (SST, SARB, HST): squeeze to 8/7 of the size, a random crop with side 4/7 to 8/7 of
      it, resize, flip. Test: bicubic.
    - `"spml"` (SPML, LargeLoss): squeeze, flip. Test: bilinear.

    All squeeze the photograph to a square: none keeps its proportions, none crops for testing.
    TaI-DPT's policy is one of 117 pairs of operations; only the 25 of AutoAugment's ImageNet
    policy and 20 of its CIFAR-10 policies are known from it for certain. The stand-in here draws
    uniformly from the 50 of torchvision's ImageNet and CIFAR-10 policies, rotating both ways.

    Args:
        recipe: Which one, see above.
        train: Whether to augment.
        size: Side of the square (all of them: 448).
        mean: Channel means of the encoder in use, such as `encoder.mean`; None, with `std`, leaves
            pixels in [0, 1], as ASL, CSL and SPLC do.
        std: Its channel standard deviations.

    Returns:
        A pipeline from a PIL image, in any mode, to a float tensor [3 size size].

    Raises:
        ValueError: If the recipe is unknown, or only one of mean and std is given.

    Examples:
        >>> transform = build_transform(train=True, size=32, mean=CLIP_MEAN, std=CLIP_STD)
        >>> transform(Image.new("RGB", (60, 40))).shape
        torch.Size([3, 32, 32])
    """
    check_choice(recipe, TransformRecipe, argument="recipe")
    if (mean is None) != (std is None):
        raise ValueError("`mean` and `std` must both be given or both be None.")
    steps = [v2.Lambda(to_rgb, Image.Image), *TRANSFORM_RECIPES[recipe](train, size)]
    steps += [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    if mean is not None and std is not None:
        steps.append(v2.Normalize(list(mean), list(std)))
    return v2.Compose(steps)


def _square(size: int, how: v2.InterpolationMode) -> v2.Resize:
    return v2.Resize((size, size), interpolation=how, antialias=True)


def _tai_dpt(train: bool, size: int) -> list[Any]:
    if not train:
        return [_square(size, _BICUBIC)]
    crop = v2.RandomResizedCrop(size, scale=(0.5, 1.0), interpolation=_BICUBIC, antialias=True)
    cover = v2.Compose([_square(size, _BILINEAR), RandomCutout(0.4)])
    policies = [
        v2.AutoAugment(policy, fill=_GREY)
        for policy in (v2.AutoAugmentPolicy.IMAGENET, v2.AutoAugmentPolicy.CIFAR10)
    ]
    return [v2.RandomChoice([crop, cover]), v2.RandomChoice(policies), v2.RandomHorizontalFlip()]


def _asl(train: bool, size: int) -> list[Any]:
    augment = [RandomCutout(0.5), RandomOperationPair()] if train else []
    return [_square(size, _BILINEAR), *augment]


def _hcp(train: bool, size: int) -> list[Any]:
    if not train:
        return [_square(size, _BICUBIC)]
    sides = [round(size * part / 7) for part in (8, 7, 6, 5, 4)]  # 512, 448, 384, 320, 256
    crops = v2.RandomChoice([v2.RandomCrop(side) for side in sides])
    return [
        _square(sides[0], _BICUBIC), crops, _square(size, _BICUBIC), v2.RandomHorizontalFlip(),
    ]  # fmt: skip


def _spml(train: bool, size: int) -> list[Any]:
    flip = [v2.RandomHorizontalFlip()] if train else []
    return [_square(size, _BILINEAR), *flip]


TRANSFORM_RECIPES: Final[dict[TransformRecipe, Callable[[bool, int], list[Any]]]] = {
    "tai-dpt": _tai_dpt,
    "asl": _asl,
    "hcp": _hcp,
    "spml": _spml,
}
"""The steps before the tensor, of each recipe, for training or test and a size."""
