"""Asymmetric loss: focus on hard negatives, and leave unknown labels out."""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from trmml.choices import check_choice
from trmml.functional.checks import check_axes, check_exponent, check_margin
from trmml.functional.reductions import LabelReduction, reduce_over_labels
from trmml.functional.unit_vectors import at_least_float32
from trmml.labels import NEGATIVE, POSITIVE, Labels, known_mask

__all__ = ["asymmetric_loss", "check_asymmetric"]


def asymmetric_loss(
    logits: Float[Tensor, "batch classes"],
    labels: Labels,
    *,
    gamma_pos: float = 1.0,
    gamma_neg: float = 2.0,
    margin: float = 0.05,
    reduction: LabelReduction = "batch_mean",
    detach_focal: bool = False,
) -> Float[Tensor, ""] | Float[Tensor, "batch classes"]:
    r"""Penalise wrong known labels, easy negatives less, unknown labels not at all.

    $$ \ell_{b,c} = \begin{cases}
       -(1 - p)^{\gamma_+} \log p & y_{b,c} = +1 \\
       -p_m^{\gamma_-} \log(1 - p_m) & y_{b,c} = -1 \\
       0 & y_{b,c} = 0 \end{cases} \qquad p_m = \max(p - m, 0) $$

    | symbol | in code | meaning |
    |---|---|---|
    | $p$ | `logits.sigmoid()` | predicted probability |
    | $y$ | `labels` | +1, -1 or 0 |
    | $\gamma_+, \gamma_-$ | `gamma_pos`, `gamma_neg` | focusing on positives, negatives |
    | $m$ | `margin` | probability below which a negative is free |

    Source: Eq. (14) of [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM Multimedia
    2024), after [Ridnik et al.](https://arxiv.org/abs/2009.14119) (ICCV 2021).
    Differs from the paper: the minus sign, which it leaves out. The reduction, which it does not
    give, is the sum over the batch size.

    Args:
        logits: Scores before the sigmoid. Where the label is unknown they may hold anything,
            inf and nan included: they get neither value nor gradient.
        labels: Labels in {-1, 0, +1}; any other value counts as unknown.
        gamma_pos: Focusing exponent of positives, >= 0 (paper: 1). 0 gives cross-entropy.
        gamma_neg: Focusing exponent of negatives, >= 0 (paper: 2). 0 gives cross-entropy, large
            values leave only the worst negatives.
        margin: In [0, 1) (paper: 0.05). 0 turns it off, near 1 no negative counts.
        reduction: "batch_mean" is the sum over the number of images, "mean" over the number of
            known labels (0 when there is none), "sum" and "none" as named.
        detach_focal: Treat the focusing weights as constants, as the script of Ridnik et al.
            does, instead of following their gradient.

    Returns:
        Loss in nats, float32 for half-precision input; per label for `reduction="none"`.

    Raises:
        ValueError: If shapes disagree, an exponent is negative, `margin` is outside [0, 1) or
            `reduction` is another name.

    Examples:
        >>> import torch
        >>> logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])
        >>> asymmetric_loss(logits, torch.tensor([[1, -1, 0], [0, -1, 1]]))
        tensor(1.8987)
    """
    check_axes(logits=(logits, "batch classes"), labels=(labels, "batch classes"))
    check_asymmetric(gamma_pos=gamma_pos, gamma_neg=gamma_neg, margin=margin, reduction=reduction)
    known = known_mask(labels)
    logits = torch.where(known, at_least_float32(logits), 0)
    positive_focal = (gamma_pos * F.logsigmoid(-logits)).exp()
    negative_focal, log_rejection = _negative_parts(logits, gamma=gamma_neg, margin=margin)
    if detach_focal:
        positive_focal, negative_focal = positive_focal.detach(), negative_focal.detach()
    loss = torch.where(labels == POSITIVE, -positive_focal * F.logsigmoid(logits), 0)
    loss = torch.where(labels == NEGATIVE, -negative_focal * log_rejection, loss)
    return reduce_over_labels(loss, known, reduction=reduction)


def check_asymmetric(
    *, gamma_pos: float, gamma_neg: float, margin: float, reduction: LabelReduction
) -> None:
    """Refuse settings for which the asymmetric loss has no meaning."""
    check_exponent(gamma_pos, argument="gamma_pos")
    check_exponent(gamma_neg, argument="gamma_neg")
    check_margin(margin)
    check_choice(reduction, LabelReduction, argument="reduction")


def _negative_parts(
    logits: Float[Tensor, "batch classes"], *, gamma: float, margin: float
) -> tuple[Float[Tensor, "batch classes"], Float[Tensor, "batch classes"]]:
    """Return p_m ** gamma and log(1 - p_m), exact and with finite gradients for any logit."""
    if margin == 0:
        return (gamma * F.logsigmoid(logits)).exp(), F.logsigmoid(-logits)
    shifted = (logits.sigmoid() - margin).clamp_min(0)
    positive = shifted > 0
    # The inner `where` keeps 0 away from roots, whose slope there is infinite.
    focal = torch.where(positive, torch.where(positive, shifted, 1) ** gamma, 0)
    # 1 - p_m is 1 - p + m, and in log space neither term is lost beside the other.
    log_margin = logits.new_full((), math.log(margin))
    return focal, torch.logaddexp(F.logsigmoid(-logits), log_margin).clamp_max(0)
