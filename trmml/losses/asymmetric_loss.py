"""The asymmetric loss as a module."""

from jaxtyping import Float
from torch import Tensor

from trmml.functional.asymmetric_loss import asymmetric_loss, check_asymmetric
from trmml.functional.checks import check_labels_on_cpu
from trmml.functional.reductions import LabelReduction
from trmml.labels import Labels
from trmml.losses.label_loss import LabelLoss

__all__ = ["AsymmetricLoss"]


class AsymmetricLoss(LabelLoss):
    r"""Penalise wrong known labels, easy negatives less, unknown labels not at all.

    $$ \ell_{b,c} = -(1 - p)^{\gamma_+} \log p \ \text{if}\ y_{b,c} = +1, \quad
       -p_m^{\gamma_-} \log(1 - p_m) \ \text{if}\ y_{b,c} = -1, \quad 0 \ \text{otherwise} $$

    The function is `trmml.functional.asymmetric_loss`; its docstring has the symbols.

    Source: Eq. (14) of [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM Multimedia
    2024), after [Ridnik et al.](https://arxiv.org/abs/2009.14119) (ICCV 2021).
    Differs from the paper: the minus sign, which it leaves out. The reduction, which it does not
    give, is the sum over the batch size.

    Args:
        gamma_pos: Focusing exponent of positives, >= 0 (paper: 1). 0 gives cross-entropy.
        gamma_neg: Focusing exponent of negatives, >= 0 (paper: 2). 0 gives cross-entropy, large
            values leave only the worst negatives.
        margin: In [0, 1) (paper: 0.05). 0 turns it off, near 1 no negative counts.
        reduction: "batch_mean" is the sum over the number of images, "mean" over the number of
            known labels (0 when there is none), "sum" and "none" as named.
        detach_focal: Treat the focusing weights as constants, as the script of Ridnik et al.
            does, instead of following their gradient.

    Raises:
        ValueError: If an exponent is negative, `margin` is outside [0, 1) or `reduction` is
            another name.

    Examples:
        >>> import torch
        >>> loss = AsymmetricLoss(gamma_neg=4, reduction="mean")
        >>> logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])
        >>> loss(logits, torch.tensor([[1, -1, 0], [0, -1, 1]]))
        tensor(0.8586)
    """

    def __init__(
        self,
        *,
        gamma_pos: float = 1.0,
        gamma_neg: float = 2.0,
        margin: float = 0.05,
        reduction: LabelReduction = "batch_mean",
        detach_focal: bool = False,
    ) -> None:
        """Check and keep the settings."""
        super().__init__(reduction=reduction)
        check_asymmetric(
            gamma_pos=gamma_pos, gamma_neg=gamma_neg, margin=margin, reduction=reduction
        )
        self.gamma_pos = gamma_pos
        self.gamma_neg = gamma_neg
        self.margin = margin
        self.detach_focal = detach_focal

    def forward(
        self, logits: Float[Tensor, "batch classes"], labels: Labels
    ) -> Float[Tensor, ""] | Float[Tensor, "batch classes"]:
        """Return the loss of a batch; logits of unknown labels may hold anything.

        Raises:
            ValueError: If shapes disagree, or, eagerly on the CPU, labels hold other values than
                -1, 0 and +1. Elsewhere these count as unknown, as looking would wait for the GPU.
        """
        check_labels_on_cpu(labels)
        return asymmetric_loss(
            logits,
            labels,
            gamma_pos=self.gamma_pos,
            gamma_neg=self.gamma_neg,
            margin=self.margin,
            reduction=self.reduction,
            detach_focal=self.detach_focal,
        )
