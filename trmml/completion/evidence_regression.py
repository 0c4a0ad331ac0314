"""How likely a label is, given several scores: one logistic regression over all classes."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import softplus

from trmml.functional.checks import check_axes

__all__ = ["EvidenceRegression", "evidence_logits", "evidence_regression"]

STEPS, HALVINGS, SETTLED = 100, 40, 1e-10


class EvidenceRegression(NamedTuple):
    """What was fitted, and how sure it is (a Gaussian around the most likely values).

    Attributes:
        weights: Of each feature, the same for all classes.
        offsets: Of each class, 0 where a class differs in nothing from the others.
        covariance: Of the weights.
        lean: By how much a class's offset gives way as the weights move.
        spread: Variance of each class's offset where the weights are given.
    """

    weights: Float[Tensor, " features"]
    offsets: Float[Tensor, " classes"]
    covariance: Float[Tensor, "features features"]
    lean: Float[Tensor, "classes features"]
    spread: Float[Tensor, " classes"]


def evidence_regression(
    features: Float[Tensor, "cells features"],
    classes: Int[Tensor, " cells"],
    present: Bool[Tensor, " cells"],
    *,
    num_classes: int,
    prior_mean: Float[Tensor, " features"],
    prior_deviation: Float[Tensor, " features"],
    offset_deviation: float,
) -> EvidenceRegression:
    r"""Fit the probability of a label to features of its cell, with an offset for each class.

    $$ \min_{w, o} \; \sum_i \log\bigl(1 + e^{-t_i (w \cdot x_i + o_{c_i})}\bigr)
       + \sum_f \frac{(w_f - m_f)^2}{2 s_f^2} + \sum_c \frac{o_c^2}{2 \tau^2} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $x_i, c_i$ | `features`, `classes` | what is known of a cell, and its class |
    | $t_i$ | `present` | +1 where the label is positive, -1 where it is negative |
    | $w$ | `weights` | shared by all classes, expected near $m$ within $s$ |
    | $o_c$ | `offsets` | what is a class's own, near 0 within $\tau$ |

    A class with many labels gets the offset that they ask for, one with few stays near 0: how much
    it may differ follows from how much is known of it.

    The minimum is found by Newton steps; the Hessian has one row for each class that touches the
    shared weights alone, so that a step costs as much as there are classes, not its cube.

    Source: logistic regression under a Gaussian prior, with Laplace's approximation for how sure it
    is, as in [MacKay](https://doi.org/10.1162/neco.1992.4.5.720) (Neural Computation 4, 1992).
    Differs from the paper: a class's own offset has a prior of its own.

    Args:
        features: Of each cell, a column of ones among them if there is to be a constant.
        classes: Class of each cell, in [0, `num_classes`).
        present: Whether the cell's label is positive.
        num_classes: Number of classes.
        prior_mean: $m$.
        prior_deviation: $s$, above 0.
        offset_deviation: $\tau$, at least 0; 0 pools all classes.

    Returns:
        The fit, in the dtype of `features`; double precision is advised.

    Raises:
        ValueError: If shapes disagree, or a deviation is out of range.

    Examples:
        >>> x = torch.tensor([[-1.0, 1.0], [-0.5, 1.0], [0.4, 1.0], [1.2, 1.0]])
        >>> fit = evidence_regression(
        ...     x,
        ...     torch.zeros(4, dtype=torch.long),
        ...     torch.tensor([False, False, True, True]),
        ...     num_classes=1,
        ...     prior_mean=torch.zeros(2),
        ...     prior_deviation=torch.ones(2),
        ...     offset_deviation=0.0,
        ... )
        >>> bool(fit.weights[0] > 0.5)
        True
    """
    check_axes(
        features=(features, "cells features"),
        classes=(classes, "cells"),
        present=(present, "cells"),
        prior_mean=(prior_mean, "features"),
        prior_deviation=(prior_deviation, "features"),
    )
    if not 0 <= offset_deviation < torch.inf:
        raise ValueError(
            f"`offset_deviation` must be finite and at least 0, got {offset_deviation}."
        )
    if not bool((prior_deviation > 0).all()):
        raise ValueError("`prior_deviation` must be above 0 for every feature.")
    signs = present.to(features.dtype) * 2 - 1
    precision = prior_deviation.square().reciprocal()
    offset_precision = offset_deviation**-2 if offset_deviation > 0 else torch.inf
    weights, offsets = prior_mean.clone(), features.new_zeros(num_classes)

    def objective(weights: Tensor, offsets: Tensor) -> Tensor:
        logits = features @ weights + offsets[classes]
        penalty = (precision * (weights - prior_mean).square()).sum() / 2
        if offset_deviation > 0:
            penalty = penalty + offset_precision * offsets.square().sum() / 2
        return softplus(-signs * logits).sum() + penalty

    value = objective(weights, offsets)
    for _ in range(STEPS):
        probability = torch.sigmoid(features @ weights + offsets[classes])
        error = probability - present.to(features.dtype)
        hessian = _Hessian.of(
            features, classes, probability, precision, offset_precision, num_classes
        )
        pull = features.T @ error + precision * (weights - prior_mean)
        own = _per_class(error, classes, num_classes)
        if offset_deviation > 0:
            own = own + offset_precision * offsets
        step, own_step = hessian.solve(pull, own)
        length = 1.0
        for _ in range(HALVINGS):
            moved = weights - length * step, offsets - length * own_step
            lower = objective(*moved)
            if lower <= value:
                weights, offsets, value = *moved, lower
                break
            length /= 2
        else:
            break  # no step lowers it any more: the minimum, up to rounding
        if float(torch.cat([step, own_step]).abs().max()) < SETTLED:
            break
    probability = torch.sigmoid(features @ weights + offsets[classes])
    hessian = _Hessian.of(features, classes, probability, precision, offset_precision, num_classes)
    return EvidenceRegression(
        weights, offsets, torch.linalg.inv(hessian.shared), hessian.lean, hessian.spread
    )


def evidence_logits(
    fit: EvidenceRegression, features: Float[Tensor, "images classes features"]
) -> tuple[Float[Tensor, "images classes"], Float[Tensor, "images classes"]]:
    r"""Return the logit of every cell, and its standard deviation.

    $$ \eta = w \cdot x + o_c, \qquad
       \sigma^2 = (x - l_c)^\top \Sigma\, (x - l_c) + v_c $$

    | symbol | in code | meaning |
    |---|---|---|
    | $\Sigma$ | `covariance` | of the weights |
    | $l_c$, $v_c$ | `lean`, `spread` | how the class's own offset depends on the weights |

    Source: as `evidence_regression`; $\sigma^2$ is the quadratic form of the inverse Hessian.

    Args:
        fit: Of `evidence_regression`.
        features: Of each cell, as at the fit.

    Raises:
        ValueError: If shapes disagree.
    """
    check_axes(
        features=(features, "images classes features"),
        lean=(fit.lean, "classes features"),
    )
    logits = features @ fit.weights + fit.offsets
    away = features - fit.lean
    return logits, (((away @ fit.covariance) * away).sum(-1) + fit.spread).sqrt()


class _Hessian(NamedTuple):
    """The second derivatives, with the classes' own offsets eliminated."""

    shared: Tensor  # Schur complement of the weights
    lean: Tensor  # classes x features
    spread: Tensor  # classes

    @classmethod
    def of(
        cls,
        features: Tensor,
        classes: Tensor,
        probability: Tensor,
        precision: Tensor,
        offset_precision: float,
        num_classes: int,
    ) -> "_Hessian":
        curvature = probability * (1 - probability)
        weighted = features * curvature[:, None]
        shared = features.T @ weighted + torch.diag(precision)
        if offset_precision == torch.inf:
            nothing = features.new_zeros(num_classes)
            return cls(shared, nothing[:, None].expand(-1, features.shape[1]), nothing)
        spread = (_per_class(curvature, classes, num_classes) + offset_precision).reciprocal()
        touch = _per_class(weighted, classes, num_classes)
        lean = touch * spread[:, None]
        return cls(shared - touch.T @ lean, lean, spread)

    def solve(self, pull: Tensor, own: Tensor) -> tuple[Tensor, Tensor]:
        step = torch.linalg.solve(self.shared, pull - self.lean.T @ own)
        return step, self.spread * own - self.lean @ step


def _per_class(values: Tensor, classes: Tensor, num_classes: int) -> Tensor:
    sums = values.new_zeros(num_classes, *values.shape[1:])
    return sums.index_add(0, classes, values)
