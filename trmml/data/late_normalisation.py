"""The last steps of a pipeline, left to where the images are sent: four times fewer bytes."""

import copy
import sys
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from trmml.data.image_table import ImageTable

__all__ = ["LateNormalisation", "without_normalisation"]


class LateNormalisation:
    """Scale 8-bit pixels to [0, 1] and normalise them, to the last bit as torchvision does.

    Args:
        mean: Channel means; None, with `std`, leaves pixels in [0, 1].
        std: Channel standard deviations.

    Examples:
        >>> pixels = torch.tensor([0, 51, 255], dtype=torch.uint8).reshape(3, 1, 1)
        >>> LateNormalisation([0.5, 0.5, 0.5], [0.5, 0.5, 0.5])(pixels).flatten()
        tensor([-1.0000, -0.6000,  1.0000])
    """

    def __init__(self, mean: Sequence[float] | None, std: Sequence[float] | None) -> None:
        """Keep the numbers, on the CPU until they are asked for elsewhere."""
        given = None if mean is None or std is None else torch.tensor([mean, std])
        self._numbers = {} if given is None else {torch.device("cpu"): given}

    def __call__(
        self, pixels: Shaped[Tensor, "*batch 3 height width"]
    ) -> Float[Tensor, "*batch 3 height width"]:
        """Return what the pipeline would have made of the pixels, on their device."""
        scaled = pixels.to(torch.float32).mul_(1.0 / 255)
        if not self._numbers:
            return scaled
        if pixels.device not in self._numbers:  # sent once: a copy is waited for
            self._numbers[pixels.device] = self._numbers[torch.device("cpu")].to(pixels.device)
        mean, std = self._numbers[pixels.device][:, :, None, None]
        return scaled.sub_(mean).div_(std)


def without_normalisation(
    table: ImageTable,
) -> tuple[ImageTable, Callable[[Tensor], Tensor] | None]:
    """Return a table whose images stay 8-bit pixels, and what is left to do with a batch of them.

    Where the transform is no torchvision pipeline that ends in `ToImage`, `ToDtype` and perhaps
    `Normalize`, as those of `build_transform` do, that is the table itself, and None.

    Args:
        table: With a transform. What the copy finds broken, it knows of too.
    """
    v2 = sys.modules.get("torchvision.transforms.v2")
    if v2 is None or type(table.transform) is not v2.Compose:
        return table, None
    steps = [*table.transform.transforms]
    normalize = steps.pop() if isinstance(steps[-1], v2.Normalize) else None
    kinds = [type(step) for step in steps[-2:]]
    if kinds != [v2.ToImage, v2.ToDtype] or not _is_scaled_float(steps[-1]):
        return table, None
    pixels = copy.copy(table)
    pixels.transform = v2.Compose(steps[:-1])
    if normalize is None:
        return pixels, LateNormalisation(None, None)
    return pixels, LateNormalisation(normalize.mean, normalize.std)


def _is_scaled_float(step: object) -> bool:
    return getattr(step, "scale", False) and getattr(step, "dtype", None) is torch.float32
