"""Fit a model's zero-shot stack to labels that it was never trained on."""

from collections.abc import Callable
from math import nan
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from trmml.completion import fit_stacking
from trmml.data import ImageTable
from trmml.labels import Labels
from trmml.models import MultiLabelModel
from trmml.models.zero_shot_stack import ZeroShotStack
from trmml.prediction.scoring import Look, readable_outputs

__all__ = ["StackScores", "fit_stack", "stack_and_score", "stack_evidence", "stack_look"]

KINDS = 2


class StackScores(NamedTuple):
    """What a stack adds up.

    Attributes:
        logits: The model's own score.
        evidence: The same beside the zero-shot score.
    """

    logits: Float[Tensor, "batch classes"]
    evidence: Float[Tensor, "2 batch classes"]


def stack_look(model: MultiLabelModel, stack: ZeroShotStack) -> Look:
    """Return what makes `StackScores` of dense features, whatever stack the model has.

    Args:
        model: Gives its own score.
        stack: Knows the texts of the classes.
    """

    def look(features: Float[Tensor, "batch positions dim"], grid: tuple[int, int]) -> StackScores:
        logits = model.match(features, grid).logits
        return StackScores(logits, stack.evidence(logits, features))

    return look


def stack_evidence(
    model: MultiLabelModel,
    stack: ZeroShotStack,
    table: ImageTable,
    *,
    batch_size: int = 32,
    num_workers: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Float[Tensor, "2 images classes"]:
    """Return score and zero-shot score of a table's images; nan of those that cannot be read.

    Args:
        model: As in `score_images`.
        stack: Knows the texts of the classes.
        table: As in `score_images`, with `broken="skip"`.
        batch_size: Images at once.
        num_workers: Processes that read images.
        progress: Called with the number of images after each batch.
    """
    found = torch.full((KINDS, len(table), len(model.class_names)), nan)
    for rows, output in readable_outputs(
        model,
        table,
        batch_size=batch_size,
        num_workers=num_workers,
        look=stack_look(model, stack),
        progress=progress,
    ):
        found[:, rows] = output.evidence.float().cpu()
    return found


def stack_and_score(
    model: MultiLabelModel,
    table: ImageTable,
    *,
    batch_size: int = 32,
    num_workers: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Float[Tensor, "images classes"]:
    """Give a model a stack that is fitted to a table of images it was never trained on.

    Args:
        model: A trained model; from then on it predicts by the stack.
        table: As in `score_images`, with `broken="skip"`; its known labels tell how much the score
            and how much the frozen towers are worth.
        batch_size: Images at once.
        num_workers: Processes that read images.
        progress: Called with the number of images after each batch.

    Returns:
        What `fit_stack` returns.

    Raises:
        ValueError: If no positive or no negative label is known.
    """
    stack = ZeroShotStack.of_towers(model.encoders.text, model.class_names).to(model.device)
    options: dict[str, Any] = {"batch_size": batch_size, "num_workers": num_workers}
    evidence = stack_evidence(model, stack, table, progress=progress, **options)
    logits = fit_stack(stack, evidence, table.labels)
    model.stack = stack
    return logits


def fit_stack(
    stack: ZeroShotStack,
    evidence: Float[Tensor, "2 images classes"],
    labels: Labels,
    *,
    towers_tell: bool | None = None,
) -> Float[Tensor, "images classes"]:
    """Fit a stack in place to labels that the model was never trained on.

    Args:
        stack: With the texts of the classes.
        evidence: Of images that were not trained on; rows of nan are left out.
        labels: Known labels in {-1, 0, +1} of these images.
        towers_tell: Whether the zero-shot score surely tells what is there, so that it counts; None
            asks these labels.

    Returns:
        Logits of the same images by the stack. Two weights for all classes and a constant for
        each were fitted to them, so that figures on them flatter next to nothing.

    Raises:
        ValueError: If no positive or no negative label is known.
    """
    readable = ~evidence.isnan().all(dim=2).all(dim=0)
    counted = None if towers_tell is None else (True, towers_tell)
    stacking = fit_stacking(evidence[:, readable], labels[readable], counted=counted)
    if stacking is None:
        raise ValueError(
            "`labels` must hold a known positive and a known negative to fit the stack to, got "
            f"{int((labels > 0).sum())} positives and {int((labels < 0).sum())} negatives; set "
            "more images aside, or predict by the score alone."
        )
    stack.take(stacking)
    return stack.add_up(evidence.to(stack.bias)).to(evidence)
