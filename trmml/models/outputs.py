"""What a model returns: logits, and whatever else its method has to say."""

from typing import NamedTuple, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

__all__ = ["ModelOutput", "Scores"]


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
