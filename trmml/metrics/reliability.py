"""Promised against delivered: how often what is called probable is so."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from trmml.functional.checks import check_axes
from trmml.labels import POSITIVE, UNKNOWN, Labels, check_labels

__all__ = ["Reliability", "reliability"]


class Reliability(NamedTuple):
    """Labels by how probable they were called, in bins of equal width from 0 to 1.

    Attributes:
        counts: Known labels in each bin.
        mean_probability: What was promised: the mean over them; nan where there is none.
        share_right: What was delivered: the share of positive ones; nan where there is none.
    """

    counts: Int[Tensor, " bins"]
    mean_probability: Float[Tensor, " bins"]
    share_right: Float[Tensor, " bins"]


@torch.no_grad()
def reliability(
    probabilities: Float[Tensor, "samples classes"], labels: Labels, *, bins: int = 10
) -> Reliability:
    r"""Compare probabilities with the share of positives among labels that are called as probable.

    $$ N_m = |B_m|, \qquad \bar p_m = \frac{1}{N_m} \sum_{(i,c) \in B_m} p_{i,c}, \qquad
       r_m = \frac{1}{N_m} \sum_{(i,c) \in B_m} [y_{i,c} = +1] $$

    | symbol | in code | meaning |
    |---|---|---|
    | $p$ | `probabilities` | that the class is there |
    | $y$ | `labels` | whether it is |
    | $B_m$ | | known labels with $m - 1 \le M p < m$, the last bin with 1 in it |
    | $M$ | `bins` | how many bins there are |

    Probabilities are right where $r_m$ is $\bar p_m$; above, they are too careful, below, too sure.

    Source: the reliability diagram of [Guo et al., ICML 2017](https://arxiv.org/abs/1706.04599).
    Differs from the paper: every class of an image is a question of its own, and what is binned is
    the probability of a positive label, not that of the likeliest class.

    Args:
        probabilities: In [0, 1].
        labels: +1, -1, and 0 where nothing is known, which is left out.
        bins: Number of bins, >= 1.

    Returns:
        What each bin holds, in double precision where the device has it.

    Raises:
        ValueError: If shapes disagree, a probability is out of range, labels hold other values, or
            `bins` is below 1.

    Examples:
        >>> probabilities = torch.tensor([[0.1, 0.2], [0.7, 0.8]])
        >>> found = reliability(probabilities, torch.tensor([[-1, 1], [1, 0]]), bins=2)
        >>> found.counts.tolist(), found.share_right.tolist()
        ([2, 1], [0.5, 1.0])
    """
    check_axes(probabilities=(probabilities, "samples classes"), labels=(labels, "samples classes"))
    check_labels(labels)
    if bins < 1:
        raise ValueError(f"`bins` must be at least 1, got {bins}.")
    if not bool(((probabilities >= 0) & (probabilities <= 1)).all()):
        raise ValueError("`probabilities` must be in [0, 1], got others; logits need a sigmoid.")
    known = labels != UNKNOWN
    wide = torch.float32 if probabilities.device.type == "mps" else torch.float64
    promised = probabilities[known].to(wide)
    positive = (labels[known] == POSITIVE).to(wide)
    place = (promised * bins).long().clamp(max=bins - 1)
    counts = torch.bincount(place, minlength=bins)
    total = counts.to(wide)
    sums = (torch.bincount(place, weights=one, minlength=bins) for one in (promised, positive))
    mean_probability, share_right = (one / total for one in sums)
    return Reliability(counts, mean_probability, share_right)
