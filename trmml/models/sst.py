"""SST: what is surely there, by the classes beside it or by other images, becomes a label."""

from dataclasses import dataclass
from typing import Any, Literal

from jaxtyping import Float
from torch import Tensor

from trmml.models.semantic_transfer import TransferConfig, TransferModel, TransferTask

__all__ = ["SST", "SSTConfig", "SSTTask"]


@dataclass(frozen=True, kw_only=True)
class SSTConfig(TransferConfig):
    """Settings of `SST`; see also `TransferConfig`.

    Attributes:
        threshold: From which score on an unknown label becomes positive.
    """

    method: Literal["sst"] = "sst"
    threshold: float = 0.95

    def __post_init__(self) -> None:
        """Refuse a threshold outside (0, 1).

        Raises:
            ValueError: If a value is outside its range.
        """
        super().__post_init__()
        if not 0 < self.threshold < 1:
            raise ValueError(f"`threshold` must be in (0, 1), got {self.threshold}.")


class SST(TransferModel):
    """Predict as `SSGRL` does; what is new is in training, see `SSTTask`.

    Source: [SST](https://arxiv.org/abs/2112.10941) (Chen et al., AAAI 2022).
    Differs from the paper: on the features of a frozen tower, where it trains a ResNet's last
    stage; the text tower's features of the names take the place of GloVe's vectors, unless a file
    of these is given; losses are divided by the number of images, not of known labels.
    """

    Config = SSTConfig
    credit = "[SST](https://arxiv.org/abs/2112.10941) (Chen et al., AAAI 2022)"
    learns = "as SSGRL, and which classes occur together"


class SSTTask(TransferTask):
    r"""Train `SST`, and transfer known positive labels to unknown ones.

    $$ L = L_{known} + L_{within} + L_{across} + 10\, L_{pairs} + 0.05\, L_{contrast} $$

    Within an image an unknown label becomes positive if, on average over the known positives, the
    image has both with a probability of `threshold` or more: `transferred_scores`. Across images it
    does if its feature is as similar to those of the images that are known to have the class.
    $L_{pairs}$ teaches the first by the asymmetric loss.

    Differs from the paper: labels that are transferred cost by themselves; a pair is known where
    both labels are positive or one is negative; the contrast joins with the second epoch, where it
    grows during the first.

    Args:
        model: To train.
    """

    Model = SST

    def __init__(self, model: SST) -> None:
        """Keep the threshold."""
        super().__init__(model)
        config: Any = model.config
        self.threshold: float = config.threshold

    def taught(
        self,
        scores: Float[Tensor, "batch classes"],
        way: int,  # noqa: ARG002 - one threshold for both
    ) -> Float[Tensor, "batch classes"]:
        """Return 1 where the score is high enough."""
        return (scores >= self.threshold).to(scores.dtype)  # nan is not
