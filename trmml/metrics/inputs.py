"""What every metric refuses: mismatched shapes, nan scores, other label codings."""

from typing import Literal

from jaxtyping import Float
from torch import Tensor

from trmml.choices import check_choice
from trmml.labels import Labels, check_labels

__all__ = ["EmptyRule", "UnknownRule", "check_inputs", "check_scores"]

UnknownRule = Literal["exclude", "negative"]
"""What an unknown label is in an evaluation: left out for its class, or a negative."""

EmptyRule = Literal["skip", "zero"]
"""What a class without positives is in a mean over classes: left out, or 0."""


def check_scores(scores: Float[Tensor, "samples classes"]) -> None:
    """Refuse scores that are no numbers: they would never reach a threshold."""
    if bool(scores.isnan().any()):
        rows = scores.isnan().any(1).nonzero().flatten()
        raise ValueError(
            f"`scores` must not be nan, got nan in {len(rows)} rows, first {int(rows[0])}; "
            "look at that row's input, or at the model's numerical range."
        )


def check_inputs(
    scores: Float[Tensor, "samples classes"], labels: Labels, unknown: UnknownRule
) -> None:
    """Refuse inputs that would give a number without meaning."""
    check_choice(unknown, UnknownRule, argument="unknown")
    if scores.shape != labels.shape:
        raise ValueError(
            f"`labels` must have the shape of `scores`, {list(scores.shape)}, got "
            f"{list(labels.shape)}."
        )
    check_scores(scores)
    check_labels(labels)
    ambiguous = bool((labels > 0).any() & (labels == 0).any()) and not bool((labels < 0).any())
    if unknown == "exclude" and ambiguous:
        raise ValueError(
            "`labels` must contain a known negative (-1), got only 0 and 1, and 0 means unknown; "
            'if your 0 means negative, pass `unknown="negative"`.'
        )
