"""What the reference model returns."""

from typing import NamedTuple

from jaxtyping import Float, Int
from torch import Tensor

__all__ = ["TRMMLLosses", "TRMMLOutput"]


class TRMMLOutput(NamedTuple):
    """Scores of a batch, and everything the losses need.

    Attributes:
        logits: The region score, or in eval mode what `config.prediction_branch` says. Its sigmoid
            is the probability.
        query_logits: The query score (Eq. 5); None in eval mode and without regions.
        energy: Logit of every position; its sigmoid is the region.
        features: Dense image features.
        region_features: Region-level features; None without regions.
        positive: Positive text feature of every class, unit length.
        negative: Negative text feature of every class, unit length.
        grid: Height and width of the grid of positions.
        classes: Indices of the classes that were scored, and that every `classes` axis here
            stands for; None where it is all of them.
    """

    logits: Float[Tensor, "batch classes"]
    query_logits: Float[Tensor, "batch classes"] | None
    energy: Float[Tensor, "batch classes positions"]
    features: Float[Tensor, "batch positions dim"]
    region_features: Float[Tensor, "batch classes dim"] | None
    positive: Float[Tensor, "classes dim"]
    negative: Float[Tensor, "classes dim"]
    grid: tuple[int, int]
    classes: Int[Tensor, " sampled"] | None = None


class TRMMLLosses(NamedTuple):
    """The terms of Eq. (15), unweighted, and their weighted sum.

    Attributes:
        total: What to call `backward()` on.
        region: Classification loss of the region score.
        query: Classification loss of the query score; 0 without regions.
        distillation: Eq. (6); 0 where switched off.
        contrastive: Eq. (13); 0 where switched off.
    """

    total: Float[Tensor, ""]
    region: Float[Tensor, ""]
    query: Float[Tensor, ""]
    distillation: Float[Tensor, ""]
    contrastive: Float[Tensor, ""]
