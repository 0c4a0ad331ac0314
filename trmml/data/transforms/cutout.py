"""Cover a part of the image, so that no single place decides."""

import torch
from PIL import Image

from trmml.typed_module import TypedModule

__all__ = ["RandomCutout"]


class RandomCutout(TypedModule):
    """Cover one rectangle, with the image's proportions, in one random colour.

    Its sides are `factor` times the image's, rounded; its centre is uniform over the pixels, and
    what reaches over the border is cut off, as in the ASL recipe that the peers share.

    Args:
        factor: Share of each side in [0, 1] (ASL, DualCoOp: 0.5; TaI-DPT: 0.4). 0 covers nothing.

    Raises:
        ValueError: If `factor` is outside [0, 1].

    Examples:
        >>> covered = RandomCutout(0.5)(Image.new("RGB", (20, 10)))
        >>> covered.size
        (20, 10)
    """

    def __init__(self, factor: float) -> None:
        """Keep the size of the rectangle."""
        super().__init__()
        if not 0 <= factor <= 1:
            raise ValueError(f"`factor` must be in [0, 1], got {factor}.")
        self.factor = factor

    def forward(self, image: Image.Image) -> Image.Image:
        """Return a copy with the rectangle covered."""
        width, height = image.size
        sides = int(self.factor * width + 0.5), int(self.factor * height + 0.5)
        centre = (int(torch.randint(size, ())) for size in (width, height))
        colour = tuple(torch.randint(256, (3,)).tolist())
        left, top = (place - side // 2 for place, side in zip(centre, sides, strict=True))
        box = (max(left, 0), max(top, 0), min(left + sides[0], width), min(top + sides[1], height))
        covered = image.copy()
        if box[0] < box[2] and box[1] < box[3]:
            covered.paste(colour, box)
        return covered

    def extra_repr(self) -> str:
        """Show the factor."""
        return f"factor={self.factor}"
