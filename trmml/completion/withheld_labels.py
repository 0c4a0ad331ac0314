"""Fit to withheld labels how often evidence is right, and judge each by a fit without it."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn.functional import logsigmoid

from trmml.completion.evidence_regression import (
    EvidenceRegression,
    evidence_logits,
    evidence_regression,
)
from trmml.labels import NEGATIVE, POSITIVE, UNKNOWN, Labels

__all__ = [
    "CrossFit",
    "best_cross_fit",
    "class_log_odds",
    "cross_fitted",
    "evidence_features",
    "fit_withheld",
    "standardised",
    "wide",
]

FOLDS = 5
OFFSET_DEVIATIONS = (0.0, 0.3, 1.0, 3.0)
"""From one fit for all classes to one that leaves each class much of its own."""


class CrossFit(NamedTuple):
    """Every label scored by a fit that did not see its image.

    Attributes:
        logits: Of each cell.
        uncertainty: Standard deviation of each.
        likelihood: Mean log likelihood of the withheld labels: which of several fits is best.
    """

    logits: Float[Tensor, "images classes"]
    uncertainty: Float[Tensor, "images classes"]
    likelihood: float


def cross_fitted(
    standard: Float[Tensor, "kinds images classes"], labels: Labels, *, offset_deviation: float
) -> CrossFit:
    """Fit to four fifths of the images and score the others, in turn.

    Args:
        standard: Evidence, of mean 0 and deviation 1 for each kind and class.
        labels: Withheld labels in {-1, +1}; 0 elsewhere.
        offset_deviation: As in `evidence_regression`.
    """
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    fold = torch.empty_like(order)
    fold[order] = torch.arange(len(labels)) % FOLDS
    logits = standard.new_zeros(labels.shape)
    uncertainty = torch.zeros_like(logits)
    for held in (fold.to(labels.device) == number for number in range(FOLDS)):
        rest = torch.where(held[:, None], torch.zeros_like(labels), labels)
        fit = fit_withheld(standard, rest, offset_deviation=offset_deviation)
        scored = evidence_logits(fit, evidence_features(standard[:, held], class_log_odds(rest)))
        logits[held], uncertainty[held] = scored
    known = labels != UNKNOWN
    likelihood = logsigmoid((labels * logits)[known]).mean()
    return CrossFit(logits, uncertainty, float(likelihood))


def best_cross_fit(
    standard: Float[Tensor, "kinds images classes"], labels: Labels
) -> tuple[float, CrossFit]:
    """Choose by cross-fitting how much of its own each class is left.

    Args:
        standard: As in `cross_fitted`.
        labels: As in `cross_fitted`, some positive and some negative.

    Returns:
        The `offset_deviation` under which unseen labels are the most likely, and its fit.
    """
    fits = {
        deviation: cross_fitted(standard, labels, offset_deviation=deviation)
        for deviation in OFFSET_DEVIATIONS
    }
    best = max(fits, key=lambda deviation: fits[deviation].likelihood)
    return best, fits[best]


def fit_withheld(
    standard: Float[Tensor, "kinds images classes"],
    labels: Labels,
    *,
    offset_deviation: float,
    expected: tuple[float, float] = (0.0, 3.0),
) -> EvidenceRegression:
    """Fit `evidence_regression` to all withheld labels.

    Args:
        standard: Evidence, of mean 0 and deviation 1 for each kind and class.
        labels: Withheld labels in {-1, +1}; 0 elsewhere.
        offset_deviation: As in `evidence_regression`.
        expected: Mean and deviation of the prior of each kind's weight: evidence may say nothing
            or much.
    """
    known = labels != UNKNOWN
    features = evidence_features(standard, class_log_odds(labels))
    kinds = len(standard)
    mean, deviation = expected  # log odds are expected to count as they are
    prior_mean = features.new_tensor([*[mean] * kinds, 1.0, 0.0])
    prior_deviation = features.new_tensor([*[deviation] * kinds, 1.0, 3.0])
    return evidence_regression(
        features[known],
        known.nonzero()[:, 1],
        (labels == POSITIVE)[known],
        num_classes=labels.shape[1],
        prior_mean=prior_mean,
        prior_deviation=prior_deviation,
        offset_deviation=offset_deviation,
    )


def class_log_odds(labels: Labels) -> Float[Tensor, " classes"]:
    """Return the log odds of each class, drawn towards those of all classes where few are known.

    Args:
        labels: Withheld labels in {-1, +1}; 0 elsewhere.
    """
    positives = wide((labels == POSITIVE).sum(0))
    negatives = wide((labels == NEGATIVE).sum(0))
    share = (positives.sum() + 0.5) / (positives.sum() + negatives.sum() + 1)
    return torch.log((positives + share) / (negatives + 1 - share))


def evidence_features(
    standard: Float[Tensor, "kinds images classes"], log_odds: Float[Tensor, " classes"]
) -> Float[Tensor, "images classes features"]:
    """Put the evidence of each cell beside its class's log odds and a constant.

    Args:
        standard: Evidence, of mean 0 and deviation 1 for each kind and class.
        log_odds: Of each class.
    """
    same = torch.stack([log_odds, torch.ones_like(log_odds)])[:, None]
    return torch.cat([standard, same.expand(-1, standard.shape[1], -1)]).permute(1, 2, 0)


def standardised(
    evidence: Float[Tensor, "kinds images classes"],
) -> tuple[
    Float[Tensor, "kinds images classes"],
    Float[Tensor, "kinds classes"],
    Float[Tensor, "kinds classes"],
]:
    """Bring each kind and class to mean 0 and deviation 1; return mean and deviation as well.

    Args:
        evidence: Scores of any scale; where all are equal, the deviation is 1.
    """
    mean, spread = evidence.mean(1), evidence.std(1, correction=0)
    deviation = torch.where(spread > 0, spread, 1)
    return (evidence - mean[:, None]) / deviation[:, None], mean, deviation


def wide(values: Shaped[Tensor, "..."]) -> Shaped[Tensor, "..."]:
    """Return values as the widest floats that their device has."""
    return values.to(torch.float32 if values.device.type == "mps" else torch.float64)
