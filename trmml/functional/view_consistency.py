"""Two views of an image have to say the same: what is sure in one teaches the other."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from trmml.functional.checks import check_axes
from trmml.functional.unit_vectors import at_least_float32
from trmml.labels import NEGATIVE, POSITIVE, Labels

__all__ = ["sure_positives", "view_consistency"]


def sure_positives(
    probabilities: Float[Tensor, "batch classes"],
    labels: Labels,
    counts: Float[Tensor, " classes"],
    *,
    top_k: int,
    threshold: float = 0.95,
) -> Bool[Tensor, "batch classes"]:
    r"""Choose the classes that an image surely has, sooner for those that are seldom chosen.

    $$ \hat y_{b,c} = [c \in \operatorname{TopK}(p_b)]\,[p_{b,c} \ge \theta_c]\,[y_{b,c} \ne -1],
       \qquad \theta_c = \theta\, \frac{a_c}{2 - a_c}, \qquad
       a_c = \max\Big(\frac{n_c}{\max_{c'} n_{c'}}, \frac1C\Big) $$

    | symbol | in code | meaning |
    |---|---|---|
    | $p$ | `probabilities` | predicted probability |
    | $y$ | `labels` | +1, -1 or 0 |
    | $n_c$ | `counts` | how often class c has been chosen so far |
    | $k, \theta$ | `top_k`, `threshold` | most classes of an image; highest threshold |
    | $\hat y$ | the result | whether the class is chosen |

    Source: the pseudo-labels of [SCPNet](https://arxiv.org/abs/2303.13223)
    (Ding et al., CVPR 2023), whose thresholds are those of FlexMatch.
    Differs from the paper: a label known to be negative, of which its single positives have none,
    is never chosen.

    Args:
        probabilities: Of the view that is trusted.
        labels: Known labels in {-1, 0, +1}.
        counts: Of all training so far.
        top_k: >= 1 (public code: COCO 2, VOC 5, NUS-WIDE 6, CUB 31); all classes if more.
        threshold: In (0, 1] (public code: 0.95).

    Raises:
        ValueError: If shapes disagree or a number is outside its range.

    Examples:
        >>> p, labels = torch.tensor([[0.9, 0.5, 0.6]]), torch.tensor([[0, 0, -1]])
        >>> sure_positives(p, labels, torch.zeros(3), top_k=2)
        tensor([[ True, False, False]])
    """
    check_axes(
        probabilities=(probabilities, "batch classes"),
        labels=(labels, "batch classes"),
        counts=(counts, "classes"),
    )
    if top_k < 1:
        raise ValueError(f"`top_k` must be at least 1, got {top_k}; nothing would be chosen.")
    if not 0 < threshold <= 1:
        raise ValueError(f"`threshold` must be in (0, 1], got {threshold}.")
    classes = probabilities.shape[1]
    share = (counts / counts.max().clamp_min(1)).clamp_min(1 / classes)
    best = probabilities.topk(min(top_k, classes), dim=1).indices
    among = torch.zeros_like(probabilities, dtype=torch.bool).scatter(1, best, True)
    sure = probabilities >= threshold * share / (2 - share)
    return among & sure & (labels != NEGATIVE)


def view_consistency(
    logits: Float[Tensor, "batch classes"],
    probabilities: Float[Tensor, "batch classes"],
    chosen: Bool[Tensor, "batch classes"],
    labels: Labels,
    graph: Float[Tensor, "classes classes"],
    *,
    graph_weight: float = 1.0,
) -> Float[Tensor, ""]:
    r"""Teach one view of an image what the other is sure of, and what the graph makes of that.

    $$ L = \frac1B \sum_{b:\, \hat y_b \ne 0} \sum_c \mathrm{BCE}\big(x_{b,c},\,
       \max(\hat y_{b,c}, [y_{b,c} = 1])\big) + \lambda\, \mathrm{BCE}\big(x_{b,c},\,
       (A p_b)_c\big) $$

    | symbol | in code | meaning |
    |---|---|---|
    | $x$ | `logits` | scores of the view that learns |
    | $p$ | `probabilities` | of the view that is trusted |
    | $\hat y$ | `chosen` | what that one is sure of |
    | $A$ | `graph` | rows with a sum of 1, so that $A p$ is a probability |
    | $\lambda$ | `graph_weight` | weight of the second term |

    Source: the consistency of [SCPNet](https://arxiv.org/abs/2303.13223)
    (Ding et al., CVPR 2023).
    Differs from the paper: summed over classes and divided by the number of images, as all losses
    here; a label known to be negative is 0 in both targets.

    Args:
        logits: Scores before the sigmoid.
        probabilities: Of the other view, in [0, 1]; no gradient flows into them.
        chosen: As `sure_positives` gives it.
        labels: Known labels in {-1, 0, +1}.
        graph: Weights of the links between classes.
        graph_weight: >= 0 (public code: COCO 1, VOC 2, NUS-WIDE 1, CUB 3).

    Returns:
        Loss in nats, 0 where nothing is chosen; float32 for half-precision input.

    Raises:
        ValueError: If shapes disagree, or `graph_weight` is below 0.

    Examples:
        >>> chosen, labels = torch.tensor([[True, False]]), torch.tensor([[0, 0]])
        >>> view_consistency(torch.zeros(1, 2), torch.rand(1, 2), chosen, labels, torch.eye(2))
        tensor(2.7726)
    """
    check_axes(
        logits=(logits, "batch classes"),
        probabilities=(probabilities, "batch classes"),
        chosen=(chosen, "batch classes"),
        labels=(labels, "batch classes"),
        graph=(graph, "classes classes"),
    )
    if not graph_weight >= 0:
        raise ValueError(f"`graph_weight` must be at least 0, got {graph_weight}.")
    logits = at_least_float32(logits)
    possible = (labels != NEGATIVE).to(logits)
    mixed = (probabilities.detach().to(logits) @ graph.T.to(logits)).clamp(0, 1) * possible
    hard = (chosen | (labels == POSITIVE)).to(logits)
    loss = binary_cross_entropy_with_logits(logits, hard, reduction="none")
    loss = loss + graph_weight * binary_cross_entropy_with_logits(logits, mixed, reduction="none")
    rows = chosen.any(dim=1, keepdim=True)
    return (loss * rows).sum() / max(len(logits), 1)
