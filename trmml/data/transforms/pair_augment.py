"""The augmentation of the ASL and DualCoOp recipes, which the field calls RandAugment."""

from collections.abc import Callable
from math import ceil
from typing import Final

import torch
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from trmml.typed_module import TypedModule

__all__ = ["PAIR_OPERATIONS", "RandomOperationPair"]

_GREY = (128, 128, 128)
_CUTOUT_COLOUR = (125, 122, 113)
_LEVELS = 9

Operation = Callable[[Image.Image, float], Image.Image]


def _affine(image: Image.Image, how: Image.Resampling, *coefficients: float) -> Image.Image:
    kind = Image.Transform.AFFINE
    return image.transform(image.size, kind, coefficients, resample=how, fillcolor=_GREY)


def _sign() -> int:
    return 1 if torch.rand(()) < 0.5 else -1


def _enhance(kind: type) -> Operation:
    return lambda image, share: kind(image).enhance(1 + _sign() * 0.9 * share)


def _shear_x(image: Image.Image, share: float) -> Image.Image:
    return _affine(image, Image.Resampling.BICUBIC, 1, _sign() * 0.3 * share, 0, 0, 1, 0)


def _shear_y(image: Image.Image, share: float) -> Image.Image:
    return _affine(image, Image.Resampling.BICUBIC, 1, 0, 0, _sign() * 0.3 * share, 1, 0)


def _translate_x(image: Image.Image, share: float) -> Image.Image:
    shift = _sign() * 150 / 331 * share * image.width
    return _affine(image, Image.Resampling.NEAREST, 1, 0, shift, 0, 1, 0)


def _translate_y(image: Image.Image, share: float) -> Image.Image:
    shift = _sign() * 150 / 331 * share * image.height
    return _affine(image, Image.Resampling.NEAREST, 1, 0, 0, 0, 1, shift)


def _rotate(image: Image.Image, share: float) -> Image.Image:
    return image.rotate(30 * share, fillcolor=_GREY)


def _cutout(image: Image.Image, share: float) -> Image.Image:
    half = round(20 * share) // 2
    x, y = (int(torch.randint(size, ())) for size in image.size)
    covered = image.copy()
    if half:
        box = (x - half, y - half, x + half - 1, y + half - 1)  # both ends are covered
        ImageDraw.Draw(covered).rectangle(box, fill=_CUTOUT_COLOUR)
    return covered


PAIR_OPERATIONS: Final[dict[str, Operation]] = {
    "invert": lambda image, _: ImageOps.invert(image),
    "cutout": _cutout,
    "sharpness": _enhance(ImageEnhance.Sharpness),
    "autocontrast": lambda image, _: ImageOps.autocontrast(image),
    "posterize": lambda image, share: ImageOps.posterize(image, round(8 - 4 * share)),
    "shear_x": _shear_x,
    "translate_x": _translate_x,
    "translate_y": _translate_y,
    "shear_y": _shear_y,
    "rotate": _rotate,
    "equalize": lambda image, _: ImageOps.equalize(image),
    "contrast": _enhance(ImageEnhance.Contrast),
    "color": _enhance(ImageEnhance.Color),
    "solarize": lambda image, share: ImageOps.solarize(image, ceil(256 * (1 - share))),
    "brightness": _enhance(ImageEnhance.Brightness),
}
"""The fifteen operations; the second argument is the strength in [0, 1]."""


class RandomOperationPair(TypedModule):
    """Apply two random operations of random strength, each with probability one half.

    This is the law of the small `randaugment` package that ASL, DualCoOp, CSL and SPLC call, not
    that of the paper of that name: two operations are drawn uniformly from fifteen, with
    replacement, each with one of nine strengths, and each is then applied or not. New ground is
    grey; rotations go one way; shears, shifts and enhancements have a random sign.

    Randomness comes from torch's default generator, which loaders seed for each worker.

    Examples:
        >>> RandomOperationPair()(Image.new("RGB", (20, 10))).size
        (20, 10)
    """

    def forward(self, image: Image.Image) -> Image.Image:
        """Return the changed image, or the same one if neither operation is applied."""
        names = list(PAIR_OPERATIONS)
        for _ in range(2):
            name = names[int(torch.randint(len(names), ()))]
            level = int(torch.randint(1, _LEVELS + 1, ()))
            if torch.rand(()) < 0.5:
                image = PAIR_OPERATIONS[name](image, level / _LEVELS)
        return image
