"""Labels that a model would add to a partly labelled table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Int
from torch import Tensor

from trmml.data import ImageTable
from trmml.labels import NEGATIVE, POSITIVE, UNKNOWN
from trmml.models import TRMML, TRMMLOutput
from trmml.prediction.scoring import stream_outputs
from trmml.prediction.tagging import decision_thresholds

__all__ = ["Proposal", "Source", "propose_labels"]

Source = Literal["prototypes", "probability"]

CONFIDENT = 0.9


@dataclass(frozen=True)
class Proposal:
    """One unknown label as a model would fill it.

    Attributes:
        image: File name, as in the table.
        class_name: The class, as in the table.
        label: +1 for there, -1 for not there.
        probability: That the class is there, by the model's score.
        source: Whether prototypes or the probability decided.
    """

    image: str
    class_name: str
    label: int
    probability: float
    source: Source

    @property
    def confidence(self) -> float:
        """The probability of the label proposed."""
        return self.probability if self.label == POSITIVE else 1 - self.probability


def propose_labels(
    model: TRMML,
    table: ImageTable,
    *,
    source: Source | None = None,
    min_confidence: float | None = None,
    batch_size: int = 32,
    num_workers: int = 0,
    progress: Callable[[int], None] | None = None,
) -> list[Proposal]:
    """Say which unknown labels the model would fill, and how.

    A model saved with `training_state=True` after its second stage began has prototypes: then
    `model.complete` decides as in training, by similarity with the prototypes and the adaptive
    thresholds. Otherwise the probability decides: at the model's calibrated thresholds, or 0.5.

    Args:
        model: A trained model.
        table: Images with the model's classes in its order, see `align_classes`; 0 is unknown.
        source: What decides; None takes prototypes where the model has them.
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
    prototypes = model.prototypes
    ready = prototypes is not None and prototypes.modalities != "none" and prototypes.stage == 2
    if source == "prototypes" and not ready:
        raise ValueError(
            "`source` can be 'prototypes' only for a model with prototypes in its second stage; "
            "save it with `training_state=True`, or choose 'probability'."
        )
    chosen: Source = source or ("prototypes" if ready else "probability")
    if min_confidence is None:
        min_confidence = CONFIDENT if chosen == "probability" else 0.0
    cuts = decision_thresholds(model)
    found: list[Proposal] = []
    for rows, output, broken in stream_outputs(model, table, batch_size, num_workers):
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
def _completed(
    model: TRMML, output: TRMMLOutput, known: Int[Tensor, "rows classes"]
) -> Int[Tensor, "rows classes"]:
    return model.complete(output, known.to(output.logits.device)).cpu()
