"""Where to cut a ranking, so that what lies above is right as often as was promised."""

from math import inf
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from trmml.functional.checks import check_axes

__all__ = ["ScoreTable", "precision_lower_bound", "score_table", "threshold_for_precision"]

HIGHEST, CELLS_A_UNIT = 15.0, 40
"""Scores are logits; beyond ±15 a probability is 1 within a millionth."""


LEAST_CHECKED = 10
"""Withheld labels that have to lie above a threshold: as many are tried, a few lie well by luck."""


class ScoreTable(NamedTuple):
    """What lies in each cell of the scale of scores, from the highest to the lowest.

    Attributes:
        edges: Lower end of each cell.
        candidates: Labels that could be added.
        expected: How many of these are right, by their probabilities.
        checked: Withheld labels, each scored by a fit that did not see it.
        right: How many of those are right.
    """

    edges: Float[Tensor, " cells"]
    candidates: Float[Tensor, " cells"]
    expected: Float[Tensor, " cells"]
    checked: Float[Tensor, " cells"]
    right: Float[Tensor, " cells"]


def score_table(
    scores: Float[Tensor, " labels"],
    probabilities: Float[Tensor, " labels"],
    withheld_scores: Float[Tensor, " withheld"],
    withheld_right: Bool[Tensor, " withheld"],
) -> ScoreTable:
    """Sort labels that could be added, and withheld ones, into one scale of scores.

    Args:
        scores: Of the labels that could be added; logits.
        probabilities: That each is right.
        withheld_scores: Of labels that are known, by fits that did not see them.
        withheld_right: Whether each is what is looked for.

    Raises:
        ValueError: If shapes disagree.
    """
    check_axes(scores=(scores, "labels"), probabilities=(probabilities, "labels"))
    check_axes(
        withheld_scores=(withheld_scores, "withheld"), withheld_right=(withheld_right, "withheld")
    )
    num_cells = int(2 * HIGHEST * CELLS_A_UNIT) + 1
    edges = HIGHEST - torch.arange(num_cells, dtype=torch.float64, device=scores.device) / (
        CELLS_A_UNIT
    )
    edges[-1] = -inf

    def sums(where: Tensor, values: Tensor) -> Tensor:
        # From the highest: the first edge that is not above the score.
        cells = (num_cells - torch.searchsorted(edges.flip(0), where, right=True)).clamp(min=0)
        return edges.new_zeros(num_cells).index_add(0, cells, values.double())

    return ScoreTable(
        edges,
        sums(scores.double(), torch.ones_like(scores)),
        sums(scores.double(), probabilities),
        sums(withheld_scores.double(), torch.ones_like(withheld_scores)),
        sums(withheld_scores.double(), withheld_right),
    )


def precision_lower_bound(
    right: Float[Tensor, "*shape"], checked: Float[Tensor, "*shape"], *, deviations: float
) -> Float[Tensor, "*shape"]:
    r"""Return how low a share may be, given a sample.

    $$ \frac{1}{1 + z^2 / n} \Bigl( \hat p + \frac{z^2}{2n}
       - z \sqrt{\frac{\hat p (1 - \hat p)}{n} + \frac{z^2}{4 n^2}} \Bigr) $$

    | symbol | in code | meaning |
    |---|---|---|
    | $n$, $\hat p n$ | `checked`, `right` | the sample, and what is right in it |
    | $z$ | `deviations` | how many standard deviations to be careful by |

    Source: [Wilson](https://doi.org/10.1080/01621459.1927.10502953) (JASA 22, 1927).

    Args:
        right: Right ones in each sample.
        checked: Size of each sample.
        deviations: At least 0; 0 gives the share itself.

    Returns:
        A share in [0, 1]; 0 for an empty sample.

    Examples:
        >>> right, checked = torch.tensor([9.0, 0.0]), torch.tensor([9.0, 0.0])
        >>> precision_lower_bound(right, checked, deviations=1.0)
        tensor([0.9000, 0.0000])
    """
    size = checked.clamp(min=1)
    share, square = right / size, deviations**2
    width = deviations * (share * (1 - share) / size + square / (4 * size**2)).sqrt()
    bound = (share + square / (2 * size) - width) / (1 + square / size)
    return torch.where(checked > 0, bound, 0).clamp(0, 1)


def threshold_for_precision(table: ScoreTable, *, precision: float, deviations: float) -> float:
    r"""Return the lowest score from which on labels are right as often as asked for.

    $$ \min \Bigl\{ t : \frac{\sum_{u_i \ge t} p_i}{\#\{u_i \ge t\}} \ge q
       \text{ and } L(t) \ge q \text{ and } n(t) \ge 10 \Bigr\} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $u_i$, $p_i$ | `expected` over `candidates` | of what could be added |
    | $L(t)$ | `precision_lower_bound` | of the withheld labels from $t$ on |
    | $n(t)$ | `checked` | how many these are |
    | $q$ | `precision` | what is promised |

    Both must hold: the probabilities say what to expect of *these* labels, the withheld ones
    whether the probabilities can be believed. The bound is of each threshold by itself, and many
    are tried: where three or four withheld labels are enough for it, one may meet it by chance.

    Source: this library.

    Args:
        table: Of `score_table`.
        precision: In (0, 1).
        deviations: As in `precision_lower_bound`.

    Returns:
        The score; infinity where no score is high enough, or too few labels are withheld to say.

    Examples:
        >>> scores = torch.tensor([3.0, 1.0, -3.0])
        >>> held = torch.linspace(3.0, 1.0, 12), torch.ones(12, dtype=torch.bool)
        >>> table = score_table(scores, scores.sigmoid(), *held)
        >>> threshold_for_precision(table, precision=0.8, deviations=0.5)
        1.0
    """
    expected = table.expected.cumsum(0) / table.candidates.cumsum(0).clamp(min=1)
    checked = table.checked.cumsum(0)
    lower = precision_lower_bound(table.right.cumsum(0), checked, deviations=deviations)
    holds = (expected >= precision) & (lower >= precision) & (table.candidates > 0)
    holds &= checked >= LEAST_CHECKED
    return float(table.edges[holds.nonzero().max()]) if bool(holds.any()) else inf
