"""What a model returns: logits, and whatever else its method has to say."""

from typing import NamedTuple, Protocol, runtime_checkable

from einops import rearrange
from jaxtyping import Float
from torch import Tensor

__all__ = ["ModelOutput", "PixelScores", "Scores", "position_maps"]


@runtime_checkable
class ModelOutput(Protocol):
    """What a model returns: any tuple with logits.

    Attributes:
        logits: The prediction; the sigmoid is the probability.
    """

    @property
    def logits(self) -> Float[Tensor, "batch classes"]:
        """The prediction; the sigmoid is the probability."""
        ...


class Scores(NamedTuple):
    """The output of a model that has nothing to give but its scores.

    Attributes:
        logits: The prediction; the sigmoid is the probability.
    """

    logits: Float[Tensor, "batch classes"]


class PixelScores(NamedTuple):
    """The output of a model that scores positions.

    Attributes:
        logits: The prediction; the sigmoid is the probability.
        energy: The logit that each position alone would give.
        grid: Height and width of the grid of positions.
    """

    logits: Float[Tensor, "batch classes"]
    energy: Float[Tensor, "batch classes positions"]
    grid: tuple[int, int]


def position_maps(output: PixelScores) -> Float[Tensor, "batch classes height width"]:
    """Return the probability of every class at every position, on the grid."""
    maps = output.energy.float().sigmoid()
    return rearrange(maps, "b c (h w) -> b c h w", h=output.grid[0], w=output.grid[1])
