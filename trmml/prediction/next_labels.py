"""Which labels to ask a person about next, of all that are unknown."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from trmml.data import ImageTable
from trmml.labels import NEGATIVE, POSITIVE, UNKNOWN
from trmml.models import MultiLabelModel
from trmml.prediction.promised_labels import calibrated_evidence, is_calibrated
from trmml.prediction.proposal import Proposal, ProposalSource, proposals_of
from trmml.prediction.review_order import answer_value, order_for_review
from trmml.prediction.scoring import readable_outputs

__all__ = ["next_labels"]


def next_labels(
    model: MultiLabelModel,
    table: ImageTable,
    *,
    count: int = 100,
    unseen: bool = False,
    batch_size: int = 32,
    num_workers: int = 0,
    progress: Callable[[int], None] | None = None,
) -> list[Proposal]:
    """Return the unknown labels whose answer is worth most by `answer_value`, the best first.

    Of all labels that nobody has given yet, those where the model is least sure, and of classes of
    which few positives are known. Nothing is promised of what is proposed for them: about half of
    these proposals are wrong, which is why they are asked about.

    Args:
        model: A trained model.
        table: Images with the model's classes in its order, see `align_classes`; 0 is unknown.
        count: At most so many.
        unseen: Whether the model was never trained on the table's labels, so that these calibrate
            its probabilities first. One that is calibrated already needs none.
        batch_size: Images at once.
        num_workers: Processes that read images.
        progress: Called with the number of images after each batch.

    Returns:
        Fewer than `count` only if fewer labels of readable images are unknown;
        `table.broken_files()` lists the others.

    Raises:
        ValueError: If `count` is below 1, or with `unseen` as `calibrated_proposals`.
    """
    if count < 1:
        raise ValueError(f"`count` must be at least 1, got {count}.")
    options = {"batch_size": batch_size, "num_workers": num_workers, "progress": progress}
    best: list[Proposal] = []
    if unseen or is_calibrated(model):
        rows, evidence, labeler = calibrated_evidence(model, table, unseen=unseen, **options)
        best = _best(table, rows, labeler.probability(evidence).cpu(), count, "calibrated")
    else:
        for rows, output in readable_outputs(model, table, **options):
            probabilities = output.logits.float().sigmoid().cpu()
            # Never more than this is kept, however many labels are unknown.
            best += _best(table, rows, probabilities, count, "probability")
            best = order_for_review(best, table, order="usefulness")[:count]
    return order_for_review(best, table, order="usefulness")


def _best(
    table: ImageTable,
    rows: list[int],
    probabilities: Float[Tensor, "images classes"],
    count: int,
    source: ProposalSource,
) -> list[Proposal]:
    """Return the best of some rows, in no order."""
    unknown = table.labels[rows] == UNKNOWN
    positives = (table.labels == POSITIVE).sum(0).expand_as(probabilities)
    value = answer_value(probabilities.double(), positives).masked_fill(~unknown, -1)
    asked = torch.zeros_like(unknown)
    best = value.flatten().argsort(descending=True, stable=True)[:count]
    asked.view(-1)[best] = True
    label = torch.where(probabilities >= 0.5, POSITIVE, NEGATIVE)
    proposed = label.masked_fill(~(asked & unknown), UNKNOWN).to(table.labels.dtype)
    return list(
        proposals_of(table, rows, proposed, probabilities, source=source, min_confidence=0.0)
    )
