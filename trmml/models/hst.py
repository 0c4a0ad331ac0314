"""HST: what may be there, by the classes beside it or by other images, counts as far as it may."""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from trmml.models.batch import Batch
from trmml.models.semantic_transfer import TransferConfig, TransferModel, TransferTask

__all__ = ["HST", "HSTConfig", "HSTTask"]


@dataclass(frozen=True, kw_only=True)
class HSTConfig(TransferConfig):
    """Settings of `HST`; see also `TransferConfig`.

    Attributes:
        margin: Where what is taken from each score starts; it is learnt. Ours.
    """

    method: Literal["hst"] = "hst"
    within_weight: float = 0.1
    across_weight: float = 0.1
    margin: float = 0.5

    def __post_init__(self) -> None:
        """Refuse a margin outside [0, 1).

        Raises:
            ValueError: If a value is outside its range.
        """
        super().__post_init__()
        if not 0 <= self.margin < 1:
            raise ValueError(f"`margin` must be in [0, 1), got {self.margin}.")


class HST(TransferModel):
    """Predict as `SSGRL` does; what is new is in training, see `HSTTask`.

    Source: [HST](https://arxiv.org/abs/2205.11131) (Chen et al., IJCV 2024).
    Differs from the paper: on the features of a frozen tower, where it trains a ResNet's last
    stage; the text tower's features of the names take the place of GloVe's vectors, unless a file
    of these is given; losses are divided by the number of images, not of known labels.
    """

    Config = HSTConfig
    credit = "[HST](https://arxiv.org/abs/2205.11131) (Chen et al., IJCV 2024)"
    learns = "as SST, and two margins"


class HSTTask(TransferTask):
    r"""Train `HST`: as `SSTTask`, but unknown labels are taught a probability.

    $$ \tilde y_{b,c} = \min\big(\max(s_{b,c} - m, 0), 1\big) $$

    | symbol | in code | meaning |
    |---|---|---|
    | $s$ | `scores` | how surely class c is there, within the image or by other images |
    | $m$ | `margins` | learnt, one for each of the two ways |

    Differs from the paper: similarity is with the latest images that are known to have the class,
    where the paper has prototypes of them by k-means, in its contrast too.

    Args:
        model: To train.
    """

    Model = HST

    def __init__(self, model: HST) -> None:
        """Start the margins."""
        super().__init__(model)
        config: Any = model.config
        self.margins = nn.Parameter(torch.full((2,), config.margin))

    def forward(self, batch: Batch) -> dict[str, Float[Tensor, ""]]:
        """Return all losses, and remember the known positives of the batch."""
        losses = super().forward(batch)
        # What is learnt has a gradient in every step, also before labels are transferred.
        return losses | {"total": losses["total"] + 0 * self.margins.sum()}

    def taught(
        self, scores: Float[Tensor, "batch classes"], way: int
    ) -> Float[Tensor, "batch classes"]:
        """Return what a score has above the margin."""
        return (scores.nan_to_num(nan=-1.0) - self.margins[way]).clamp(0, 1)
