"""Labels that a model would add to a partly labelled table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch

from trmml.data import ImageTable
from trmml.labels import NEGATIVE, POSITIVE, UNKNOWN, Labels
from trmml.models import ModelOutput, MultiLabelModel
from trmml.prediction.scoring import stream_table
from trmml.prediction.tagging import decision_thresholds

__all__ = ["Proposal", "ProposalSource", "propose_labels"]

ProposalSource = Literal["prototypes", "probability"]
"""What decides: what the model completes labels by in training, or its score."""

CONFIDENT = 0.9


@dataclass(frozen=True)
class Proposal:
    """One unknown label as a model would fill it.

    Attributes:
        image: File name, as in the table.
        class_name: The class, as in the table.
        label: +1 for there, -1 for not there.
        probability: That the class is there, by the model's score.
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


def propose_labels(
    model: MultiLabelModel,
    table: ImageTable,
    *,
    source: ProposalSource | None = None,
    min_confidence: float | None = None,
    batch_size: int = 32,
    num_workers: int = 0,
    progress: Callable[[int], None] | None = None,
) -> list[Proposal]:
    """Say which unknown labels the model would fill, and how.

    Where the model completes labels, its `complete` decides as in training. One of TRM-ML does so
    if it was saved with `training_state=True` after its second stage began: by similarity with its
    prototypes and the adaptive thresholds. Otherwise the probability decides: at the model's
    calibrated thresholds, or 0.5.

    Args:
        model: A trained model.
        table: Images with the model's classes in its order, see `align_classes`; 0 is unknown.
        source: What decides; None takes "prototypes" where the model completes labels.
        min_confidence: Lowest probability of the proposed label; None is 0.9 by probability and
            no bound by prototypes.
        batch_size: Images at once.
        num_workers: Processes that read images.
        progress: Called with the number of images after each batch.

    Returns:
        Proposals for unknown labels only, the most confident first. Images that cannot be read
        have none; `table.broken_files()` lists them.

    Raises:
        ValueError: If prototypes are asked for and the model has none.
    """
    ready = model.completes_labels
    if source == "prototypes" and not ready:
        raise ValueError(
            "`source` can be 'prototypes' only for a model that completes labels, as TRM-ML does "
            "in its second stage; save it with `training_state=True`, or choose 'probability'."
        )
    chosen: ProposalSource = source or ("prototypes" if ready else "probability")
    if min_confidence is None:
        min_confidence = CONFIDENT if chosen == "probability" else 0.0
    cuts = decision_thresholds(model)
    found: list[Proposal] = []
    stream = stream_table(model, table, batch_size=batch_size, num_workers=num_workers)
    for rows, output, broken in stream:
        for row in broken:
            table.mark_broken(row)
        if output is not None:
            known = table.labels[rows]
            probabilities = output.logits.float().sigmoid().cpu()
            if chosen == "prototypes":
                proposed = _completed(model, output, known)
            else:
                proposed = torch.where(probabilities >= cuts, POSITIVE, NEGATIVE)
            proposed = proposed.masked_fill(known != UNKNOWN, UNKNOWN)
            for place, column in proposed.nonzero().tolist():
                proposal = Proposal(
                    table.names[rows[place]],
                    table.class_names[column],
                    int(proposed[place, column]),
                    float(probabilities[place, column]),
                    chosen,
                )
                if proposal.confidence >= min_confidence:
                    found.append(proposal)
        if progress is not None:
            progress(len(rows) + len(broken))
    return sorted(found, key=lambda proposal: -proposal.confidence)


@torch.no_grad()
def _completed(model: MultiLabelModel, output: ModelOutput, known: Labels) -> Labels:
    return model.complete(output, known.to(output.logits.device)).cpu()
