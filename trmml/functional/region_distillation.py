"""Distillation from the region prediction to the query prediction."""

from typing import Literal

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from trmml.choices import check_choice
from trmml.functional.checks import check_axes, check_temperature
from trmml.functional.unit_vectors import at_least_float32

__all__ = ["DistillationForm", "region_distillation"]

DistillationForm = Literal["bernoulli", "softmax"]
"""What a prediction is: one coin per category, or one distribution over the categories."""


def region_distillation(
    region_logits: Float[Tensor, "batch classes"],
    query_logits: Float[Tensor, "batch classes"],
    *,
    form: DistillationForm = "bernoulli",
    temperature: float = 1.0,
) -> Float[Tensor, ""]:
    r"""Pull the query prediction towards the region prediction, its teacher.

    $$ L_{KD} = \frac1B \sum_b KL(p^r_b \,\|\, p^q_b), \qquad
       KL_{\text{bernoulli}} = \sum_c p^r_c \log\frac{p^r_c}{p^q_c}
       + (1 - p^r_c) \log\frac{1 - p^r_c}{1 - p^q_c} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $p^r$ | `region_logits.sigmoid()` | teacher, gets no gradient |
    | $p^q$ | `query_logits.sigmoid()` | student |
    | $B$ | `len(query_logits)` | batch size |

    Labels play no part: every category teaches, known or not.

    Source: Eq. (6) of [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM Multimedia
    2024).
    Differs from the paper: it prints a sum over categories of one term; here each category is a
    Bernoulli variable with both its terms, because predictions are sigmoids. `form="softmax"` is
    the sum as printed, over probabilities that compete.

    Args:
        region_logits: Logits of the region branch.
        query_logits: Logits of the query branch.
        form: "bernoulli", or "softmax" over the categories.
        temperature: Divides both sets of logits, > 0 (paper: 1). Large values teach only which
            category is likelier, with a gradient that fades as 1/temperature².

    Returns:
        Divergence in nats, summed over categories, averaged over the batch, float32 for
        half-precision input; 0 for an empty batch.

    Raises:
        ValueError: If shapes disagree, `form` is another name or `temperature` is not finite and
            above 0.

    Examples:
        >>> import torch
        >>> region_logits = torch.tensor([[2.0, -2.0]])
        >>> region_distillation(region_logits, torch.zeros(1, 2))
        tensor(0.6556)
        >>> region_distillation(region_logits, region_logits)
        tensor(0.)
    """
    check_axes(
        region_logits=(region_logits, "batch classes"), query_logits=(query_logits, "batch classes")
    )
    check_choice(form, DistillationForm, argument="form")
    check_temperature(temperature)
    teacher = at_least_float32(region_logits).detach() / temperature
    student = at_least_float32(query_logits) / temperature
    if form == "bernoulli":
        divergence = _divergence(F.logsigmoid(teacher), F.logsigmoid(student))
        divergence = divergence + _divergence(F.logsigmoid(-teacher), F.logsigmoid(-student))
    else:
        divergence = _divergence(teacher.log_softmax(dim=-1), student.log_softmax(dim=-1))
    return divergence / max(query_logits.shape[0], 1)


def _divergence(
    teacher: Float[Tensor, "batch classes"], student: Float[Tensor, "batch classes"]
) -> Float[Tensor, ""]:
    """Return the sum of p log(p / q), given log p and log q."""
    return (teacher.exp() * (teacher - student)).sum()
