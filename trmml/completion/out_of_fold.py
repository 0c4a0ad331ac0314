"""How likely each known label is, by classifiers that saw neither it nor the rest of its image."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid

from trmml.completion.withheld_labels import best_cross_fit, standardised, wide
from trmml.functional.checks import check_axes
from trmml.labels import NEGATIVE, POSITIVE, UNKNOWN, Labels, check_labels

__all__ = ["OutOfFold", "logistic_probes", "out_of_fold_probabilities"]

PENALTIES = (3.0, 30.0, 300.0)
"""From lines that follow each label to ones that follow many."""


class OutOfFold(NamedTuple):
    """Probabilities, each by a fit that did not see the image.

    Attributes:
        probabilities: That the class is there; nan in the columns of classes left out.
        judged: Classes of which both kinds of label are known, so that there is a fit.
        penalty: The one that judged the known labels best.
    """

    probabilities: Float[Tensor, "images classes"]
    judged: Bool[Tensor, " classes"]
    penalty: float


@torch.no_grad()
def out_of_fold_probabilities(
    features: Float[Tensor, "images dim"],
    labels: Labels,
    *,
    evidence: Float[Tensor, "kinds images classes"] | None = None,
    folds: int = 5,
    seed: int = 0,
) -> OutOfFold:
    """Say how likely every label is by what the *other* images' known labels teach.

    The images are dealt out into `folds` parts. `logistic_probes` that saw all parts but one score
    that one; the scores, with further evidence beside them, are then made probabilities by the
    regression of `CalibratedPseudoLabeler`, cross-fitted as well. So no label has a say in its own
    probability, nor have the other labels of its image.

    Args:
        features: One vector for each image, from a tower that never learnt from these labels.
        labels: +1, -1, and 0 where nothing is known.
        evidence: Further scores that no label had a say in, such as the similarity of image and
            name; None for no other.
        folds: At least 2, and no more than there are images.
        seed: Of the dealing out.

    Raises:
        ValueError: If shapes disagree, values are not finite, labels hold other values, there are
            fewer images than folds, or no class has both kinds of known label.

    Examples:
        >>> features = torch.linspace(-1, 1, 40)[:, None]
        >>> labels = torch.where(features > 0, 1, -1)
        >>> labels[35] = -1  # a slip
        >>> found = out_of_fold_probabilities(features, labels)
        >>> bool(found.probabilities[35] > 0.8)
        True
    """
    given = {"features": (features, "images dim"), "labels": (labels, "images classes")}
    if evidence is not None:
        given["evidence"] = (evidence, "kinds images classes")
    check_axes(**given)
    check_labels(labels)
    for argument, values in (("features", features), ("evidence", evidence)):
        if values is not None and not bool(values.isfinite().all()):
            raise ValueError(f"`{argument}` must be finite, got nan or infinity.")
    if not 2 <= folds <= len(labels):
        raise ValueError(
            f"`folds` must be at least 2 and no more than there are images ({len(labels)}), got "
            f"{folds}."
        )
    judged = (labels == POSITIVE).any(0) & (labels == NEGATIVE).any(0)
    if not bool(judged.any()):
        raise ValueError(
            "`labels` must hold a known positive and a known negative of one class at least, got "
            f"{int((labels == POSITIVE).sum())} positives and "
            f"{int((labels == NEGATIVE).sum())} negatives; without both there is nothing to learn."
        )
    kept = labels[:, judged]
    standard = standardised(wide(features)[None])[0][0]
    fold = _dealt(len(labels), folds, seed).to(labels.device)
    tried = [_scored(standard, kept, fold, penalty=penalty) for penalty in PENALTIES]
    best = max(range(len(tried)), key=lambda index: _likelihood(tried[index], kept))
    kinds = tried[best][None]
    if evidence is not None:
        kinds = torch.cat([kinds, wide(evidence[:, :, judged])])
    logits = best_cross_fit(standardised(kinds)[0], kept)[1].logits
    probabilities = logits.new_full(labels.shape, torch.nan)
    probabilities[:, judged] = logits.sigmoid()
    return OutOfFold(probabilities, judged, PENALTIES[best])


@torch.enable_grad()
def logistic_probes(
    features: Float[Tensor, "images dim"], labels: Labels, *, penalty: float
) -> tuple[Float[Tensor, "dim classes"], Float[Tensor, " classes"]]:
    r"""Fit a line to the known labels of each class: the only minimum of

    $$ \sum_{(i, c)\,\text{known}} \log\bigl(1 + e^{-y_{i,c} (w_c \cdot x_i + b_c)}\bigr)
       + \frac{\lambda}{2} \sum_c \lVert w_c \rVert^2 $$

    | symbol | in code | meaning |
    |---|---|---|
    | $x_i$ | `features` | of an image |
    | $y_{i,c}$ | `labels` | +1 or -1 |
    | $\lambda$ | `penalty` | pulls the weights, not the constants, to 0 |

    Source: logistic regression, as the linear probe of [CLIP](https://arxiv.org/abs/2103.00020)
    (Radford et al., ICML 2021). Differs from the paper: one for each class, of its known labels.

    Args:
        features: Best of mean 0 and deviation 1.
        labels: +1, -1, and 0 where nothing is known. A class of one kind only gets a constant that
            grows for as long as the steps go on.
        penalty: Above 0.

    Returns:
        Weights and constants.

    Raises:
        ValueError: If shapes disagree, or `penalty` is not above 0.
    """  # noqa: D415 - the equation ends the sentence
    check_axes(features=(features, "images dim"), labels=(labels, "images classes"))
    if not penalty > 0:
        raise ValueError(f"`penalty` must be above 0, got {penalty}.")
    weights = features.new_zeros(features.shape[1], labels.shape[1], requires_grad=True)
    constants = features.new_zeros(labels.shape[1], requires_grad=True)
    known = (labels != UNKNOWN).to(features.dtype)
    present = (labels == POSITIVE).to(features.dtype)
    optimizer = torch.optim.LBFGS(
        [weights, constants],
        max_iter=200,
        history_size=20,
        tolerance_grad=1e-4,
        tolerance_change=1e-10,
        line_search_fn="strong_wolfe",
    )

    def objective() -> Tensor:
        optimizer.zero_grad()
        logits = features @ weights + constants
        loss = binary_cross_entropy_with_logits(logits, present, known, reduction="sum")
        loss = loss + penalty / 2 * weights.square().sum()
        loss.backward()
        return loss

    optimizer.step(objective)  # pyright: ignore[reportArgumentType] - a tensor serves as a number
    return weights.detach(), constants.detach()


def _scored(features: Tensor, labels: Labels, fold: Tensor, *, penalty: float) -> Tensor:
    logits = features.new_zeros(labels.shape)
    for held in (fold == number for number in range(int(fold.max()) + 1)):
        weights, constants = logistic_probes(features[~held], labels[~held], penalty=penalty)
        logits[held] = features[held] @ weights + constants
    return logits


def _dealt(images: int, folds: int, seed: int) -> Int[Tensor, " images"]:
    """Deal the images out at random, so that parts differ by one image at most."""
    fold = torch.empty(images, dtype=torch.long)
    fold[torch.randperm(images, generator=torch.Generator().manual_seed(seed))] = (
        torch.arange(images) % folds
    )
    return fold


def _likelihood(logits: Tensor, labels: Labels) -> float:
    return float(logsigmoid((labels * logits)[labels != UNKNOWN]).mean())
