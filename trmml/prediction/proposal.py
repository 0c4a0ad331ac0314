"""One unknown label as a model would fill it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float
from torch import Tensor

from trmml.data import ImageTable
from trmml.labels import POSITIVE, UNKNOWN, Labels

__all__ = ["CONFIDENT", "Proposal", "ProposalSource", "proposals_of"]

ProposalSource = Literal["prototypes", "probability", "calibrated"]
"""What decides: what the model completes labels by in training, its score, or a probability that
known labels have calibrated."""

CONFIDENT = 0.9
"""Lowest probability of a proposed label where nothing else bounds it."""


@dataclass(frozen=True)
class Proposal:
    """One unknown label as a model would fill it.

    Attributes:
        image: File name, as in the table.
        class_name: The class, as in the table.
        label: +1 for there, -1 for not there.
        probability: That the class is there; right as often as it says if the source is
            "calibrated", otherwise the model's score.
        source: What decided.
    """

    image: str
    class_name: str
    label: int
    probability: float
    source: ProposalSource

    @property
    def confidence(self) -> float:
        """The probability of the label proposed."""
        return self.probability if self.label == POSITIVE else 1 - self.probability


def proposals_of(
    table: ImageTable,
    rows: Sequence[int],
    proposed: Labels,
    probabilities: Float[Tensor, "images classes"],
    *,
    source: ProposalSource,
    min_confidence: float,
) -> Iterator[Proposal]:
    """Yield what is proposed for labels that are unknown, row by row.

    Args:
        table: The labels that are known.
        rows: Those of the table that the others are about.
        proposed: Labels for them; known ones and 0 are passed over.
        probabilities: That each class is there.
        source: What decided.
        min_confidence: Lowest probability of the proposed label.
    """
    proposed = proposed.masked_fill(table.labels[list(rows)] != UNKNOWN, UNKNOWN)
    for place, column in proposed.nonzero().tolist():
        proposal = Proposal(
            table.names[rows[place]],
            table.class_names[column],
            int(proposed[place, column]),
            float(probabilities[place, column]),
            source,
        )
        if proposal.confidence >= min_confidence:
            yield proposal
