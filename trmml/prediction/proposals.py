"""Labels that a model would add to a partly labelled table."""

from collections.abc import Callable

import torch

from trmml.choices import check_choice
from trmml.data import ImageTable
from trmml.labels import NEGATIVE, POSITIVE, Labels
from trmml.models import ModelOutput, MultiLabelModel
from trmml.prediction.promised_labels import calibrated_proposals, is_calibrated
from trmml.prediction.proposal import CONFIDENT, Proposal, ProposalSource, proposals_of
from trmml.prediction.scoring import readable_outputs
from trmml.prediction.tagging import decision_thresholds

__all__ = ["propose_labels"]


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

    A model that was calibrated in training gives probabilities that are right as often as they say;
    `calibrated_proposals` promises a precision. Where the model completes labels otherwise, its
    `complete` decides as in training. One of TRM-ML does so if it was saved with
    `training_state=True` after its second stage began: by similarity with its prototypes and the
    adaptive thresholds. Else the probability decides: at the model's calibrated thresholds, or 0.5.

    Args:
        model: A trained model.
        table: Images with the model's classes in its order, see `align_classes`; 0 is unknown.
        source: What decides; None takes "calibrated" where the model is, "prototypes" where it
            completes labels otherwise.
        min_confidence: Lowest probability of the proposed label; None is 0.9, and no bound by
            prototypes.
        batch_size: Images at once.
        num_workers: Processes that read images.
        progress: Called with the number of images after each batch.

    Returns:
        Proposals for unknown labels only, the most confident first. Images that cannot be read
        have none; `table.broken_files()` lists them.

    Raises:
        ValueError: If there is no such source, or the model has not what it needs.
    """
    if source is not None:
        check_choice(source, ProposalSource, argument="source")
    calibrated = is_calibrated(model)
    if source == "calibrated" or (source is None and calibrated):
        return calibrated_proposals(
            model,
            table,
            min_confidence=min_confidence,
            batch_size=batch_size,
            num_workers=num_workers,
            progress=progress,
        ).proposals
    ready = model.completes_labels and not calibrated
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
    for rows, output in readable_outputs(
        model, table, batch_size=batch_size, num_workers=num_workers, progress=progress
    ):
        known = table.labels[rows]
        probabilities = output.logits.float().sigmoid().cpu()
        if chosen == "prototypes":
            proposed = _completed(model, output, known)
        else:
            proposed = torch.where(probabilities >= cuts, POSITIVE, NEGATIVE)
        found += proposals_of(
            table,
            rows,
            proposed,
            probabilities,
            source=chosen,
            min_confidence=min_confidence,
        )
    return sorted(found, key=lambda proposal: -proposal.confidence)


@torch.no_grad()
def _completed(model: MultiLabelModel, output: ModelOutput, known: Labels) -> Labels:
    return model.complete(output, known.to(output.logits.device)).cpu()
