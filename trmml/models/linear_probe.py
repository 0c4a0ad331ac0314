"""The least that can be learnt on a frozen tower: a line through its averaged features."""

from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float, Int
from torch import Tensor, nn

from trmml.functional import unit_vectors
from trmml.functional.checks import check_numbers
from trmml.models.labels_task import LabelsTask
from trmml.models.method_config import MethodConfig
from trmml.models.multi_label_model import MultiLabelModel
from trmml.models.outputs import Scores

__all__ = ["LinearProbe", "LinearProbeConfig", "LinearProbeTask"]


@dataclass(frozen=True, kw_only=True)
class LinearProbeConfig(MethodConfig):
    """Settings of `LinearProbe`.

    Attributes:
        scale: Length of the averaged features; CLIP's own logits are cosines times 100.
        bias: Whether each class has an offset of its own.
    """

    method: Literal["linear-probe"] = "linear-probe"
    scale: float = 10.0
    bias: bool = True

    def __post_init__(self) -> None:
        """Refuse a length that leaves nothing.

        Raises:
            ValueError: If `scale` is not above 0.
        """
        if not self.scale > 0:
            raise ValueError(f"`scale` must be above 0, got {self.scale}.")
        check_numbers(self)


class LinearProbe(MultiLabelModel[Scores]):
    r"""Score each class by a line through the image's averaged feature; words play no part.

    $$ z_c = s\, w_c \cdot \frac{\bar f}{\lVert \bar f \rVert} + b_c,
       \qquad \bar f = \frac1N \sum_n f_n $$

    | symbol | in code | meaning |
    |---|---|---|
    | $f_n$ | `features` | dense feature at position n |
    | $w_c, b_c$ | `head` | what is learnt of class c |
    | $s$ | `config.scale` | length of the feature |

    The baseline that any method on frozen features has to beat: the linear probe of
    [CLIP](https://arxiv.org/abs/2103.00020) (Radford et al., ICML 2021), with a logistic
    regression for each class instead of one over all.
    Differs from the paper: dense features are averaged where it takes the pooled one, so that
    features kept on disk serve; it is trained by the engine, not by L-BFGS.

    Examples:
        >>> import torch
        >>> from trmml.encoders import load_tiny
        >>> model = LinearProbe(load_tiny(), ["tree", "boat"], image_size=64)
        >>> model.predict(torch.zeros(3, 3, 64, 64)).shape
        torch.Size([3, 2])
    """

    Config = LinearProbeConfig
    credit = "a [linear probe](https://arxiv.org/abs/2103.00020) (Radford et al., ICML 2021)"
    learns = "a line for each class"
    config: LinearProbeConfig

    def assemble(self) -> None:
        """Draw the head."""
        self.head = nn.Linear(self.encoders.image.dim, len(self.class_names), bias=self.config.bias)

    def match(
        self,
        features: Float[Tensor, "batch positions dim"],
        grid: tuple[int, int],  # noqa: ARG002 - where a position lies makes no difference
        *,
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> Scores:
        """Score dense features, from the image encoder or from a store."""
        whole = unit_vectors(features.mean(dim=1)).to(self.head.weight.dtype)
        logits = self.head(self.config.scale * whole)
        return Scores(logits if classes is None else logits[:, classes])


class LinearProbeTask(LabelsTask):
    """Train `LinearProbe` by the loss of its configuration.

    Args:
        model: To train.
    """

    Model = LinearProbe
    model: LinearProbe
