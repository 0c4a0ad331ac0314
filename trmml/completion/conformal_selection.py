"""Which labels to add so that few are wrong, without a model of the scores."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from trmml.functional.checks import check_axes

__all__ = ["conformal_p_values", "conformal_selection"]


def conformal_p_values(
    scores: Float[Tensor, " cells"], null_scores: Float[Tensor, " known"]
) -> Float[Tensor, " cells"]:
    r"""Return how unusual each score would be if its label were like the known ones.

    $$ p_i = \frac{1 + \#\{j : z_j \ge s_i\}}{n + 1} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $s_i$ | `scores` | of cells whose label is unknown |
    | $z_j$ | `null_scores` | of the $n$ cells known *not* to be what is looked for |

    Source: [Testing for outliers with conformal p-values](https://arxiv.org/abs/2104.08279) (Bates
    et al., Annals of Statistics 51, 2023).

    Args:
        scores: The higher, the more it speaks for what is looked for.
        null_scores: Of known cells, of which nobody learnt; negatives where positives are sought.

    Returns:
        In [1 / (n + 1), 1]; with no known cell, 1 everywhere.

    Raises:
        ValueError: If a score is not finite.

    Examples:
        >>> conformal_p_values(torch.tensor([0.9, 0.2]), torch.tensor([0.1, 0.3, 0.5]))
        tensor([0.2500, 0.7500])
    """
    for argument, values in (("scores", scores), ("null_scores", null_scores)):
        check_axes(**{argument: (values, "cells")})
        if not bool(values.isfinite().all()):
            raise ValueError(f"`{argument}` must be finite, got nan or infinity.")
    lower = torch.searchsorted(null_scores.sort().values, scores, right=False)
    return (1 + len(null_scores) - lower).to(scores.dtype) / (len(null_scores) + 1)


def conformal_selection(
    scores: Float[Tensor, " cells"],
    null_scores: Float[Tensor, " known"],
    *,
    false_discovery_rate: float,
) -> Bool[Tensor, " cells"]:
    r"""Select cells so that, on average, no more than a given share of the selection is wrong.

    $$ \text{select } \Bigl\{ i : p_i \le \frac{k\, q}{m} \Bigr\}, \qquad
       k = \max \Bigl\{ k : p_{(k)} \le \frac{k\, q}{m} \Bigr\} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $p_i$ | `conformal_p_values` | of the $m$ cells; $p_{(k)}$ is the $k$-th smallest |
    | $q$ | `false_discovery_rate` | share of wrong ones that is allowed |

    What is promised: if the null scores and those of the wrong cells are exchangeable, the expected
    share of wrong cells in the selection is at most $q$. Cells tagged because they were salient
    break this: their nulls are not like the rest.

    With $n$ known cells no p-value is below $1 / (n + 1)$: for a small $q$ among many cells,
    few known ones select nothing. Pool classes then, with scores standardised for each.

    Source: [Benjamini and Hochberg](https://doi.org/10.1111/j.2517-6161.1995.tb02031.x) (JRSS B 57,
    1995) on conformal p-values, as used to label data in
    [Conformal Labeling](https://arxiv.org/abs/2510.14581) (2025).

    Args:
        scores: Of cells whose label is unknown; the higher, the more it speaks for what is sought.
        null_scores: Of known cells that are not what is sought, of which nobody learnt.
        false_discovery_rate: $q$ in (0, 1); a precision of 95 % is 0.05.

    Returns:
        Which cells to label.

    Raises:
        ValueError: If a score is not finite, or the rate is outside (0, 1).

    Examples:
        >>> known_negatives = torch.linspace(-1, 0, 99)
        >>> conformal_selection(
        ...     torch.tensor([0.8, 0.5, -0.5]), known_negatives, false_discovery_rate=0.1
        ... )
        tensor([ True,  True, False])
    """
    if not 0 < false_discovery_rate < 1:
        raise ValueError(
            f"`false_discovery_rate` must be in (0, 1), got {false_discovery_rate}; a precision of "
            "95 percent is 0.05."
        )
    p_values = conformal_p_values(scores, null_scores)
    ranked = p_values.sort().values
    bound = torch.arange(1, len(ranked) + 1, device=ranked.device) * (
        false_discovery_rate / max(len(ranked), 1)
    )
    held = (ranked <= bound.to(ranked.dtype)).nonzero()
    if not len(held):
        return torch.zeros_like(p_values, dtype=torch.bool)
    return p_values <= ranked[held.max()]
