"""Labels to add to a table at a promised precision, with probabilities that are right."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from trmml.completion import CalibrationReport
from trmml.data import ImageTable
from trmml.labels import NEGATIVE, POSITIVE, UNKNOWN
from trmml.models import ModelOutput, MultiLabelModel
from trmml.modules import CalibratedPseudoLabeler
from trmml.prediction.proposal import CONFIDENT, Proposal, proposals_of
from trmml.prediction.scoring import readable_outputs

__all__ = ["CalibratedProposals", "calibrated_proposals", "is_calibrated"]


@runtime_checkable
class _Calibrated(Protocol):
    """A model that keeps how often its evidence is right, as TRM-ML may."""

    labeler: CalibratedPseudoLabeler | None

    def evidence(self, output: Any) -> Float[Tensor, "kinds batch classes"]:  # noqa: ANN401
        """Return what speaks for each label."""
        ...


class CalibratedProposals(NamedTuple):
    """Labels that keep a promise, and what is said of the others.

    Attributes:
        proposals: The most confident first.
        left_open: Unknown labels of readable images that nothing is proposed for.
        report: What the probabilities stand on, and why nothing of one kind is proposed.
    """

    proposals: list[Proposal]
    left_open: int
    report: CalibrationReport


def is_calibrated(model: MultiLabelModel) -> bool:
    """Return whether a model knows how often its evidence is right.

    Args:
        model: One of TRM-ML with `completion="calibrated"` does once its `labeler` was fitted to
            labels that it was never trained on.
    """
    return _own_labeler(model) is not None


def calibrated_proposals(
    model: MultiLabelModel,
    table: ImageTable,
    *,
    unseen: bool = False,
    present: float | None = None,
    absent: float | None = None,
    min_confidence: float | None = None,
    batch_size: int = 32,
    num_workers: int = 0,
    progress: Callable[[int], None] | None = None,
) -> CalibratedProposals:
    """Propose unknown labels as long as they are right as often as asked for.

    A model whose `labeler` was fitted to labels that it never saw says how likely each label is.
    For any other, or for another kind of photographs, the table's own known labels tell it: if the
    model was **not** trained on them, `unseen=True` fits a `CalibratedPseudoLabeler` to them, and
    none is withheld. Labels that a model was trained on make it far too sure.

    Args:
        model: A trained model.
        table: Images with the model's classes in its order, see `align_classes`; 0 is unknown.
        unseen: Whether the model has never been trained on the table's labels.
        present: Expected share of right ones among the positives proposed, in (0, 1); None
            proposes none, unless `absent` is None too: then the probability alone decides.
        absent: The same for negatives.
        min_confidence: Lowest probability of the proposed label; None is 0.9 if nothing is
            promised, and no bound otherwise.
        batch_size: Images at once.
        num_workers: Processes that read images.
        progress: Called with the number of images after each batch.

    Returns:
        Proposals, and what stands against others. Images that cannot be read have none;
        `table.broken_files()` lists them.

    Raises:
        ValueError: If there is nothing to calibrate by, or a precision is outside (0, 1).
    """
    for argument, precision in {"present": present, "absent": absent}.items():
        if precision is not None and not 0 < precision < 1:
            raise ValueError(
                f"`{argument}` must be in (0, 1) or None, got {precision}; it is the share of "
                "right ones among the labels proposed."
            )
    rows, evidence, labeler = calibrated_evidence(
        model,
        table,
        unseen=unseen,
        batch_size=batch_size,
        num_workers=num_workers,
        progress=progress,
    )
    known, probabilities = table.labels[rows], labeler.probability(evidence)
    promised = present is not None or absent is not None
    if not labeler.is_fitted:
        proposed = torch.zeros_like(known)
    elif promised:
        proposed = labeler(evidence, known, present=present, absent=absent)
    else:
        proposed = torch.where(probabilities >= 0.5, POSITIVE, NEGATIVE)
    if min_confidence is None:
        min_confidence = 0.0 if promised else CONFIDENT
    found = proposals_of(
        table, rows, proposed, probabilities, source="calibrated", min_confidence=min_confidence
    )
    proposals = sorted(found, key=lambda proposal: -proposal.confidence)
    left_open = int((known == UNKNOWN).sum()) - len(proposals)
    report = labeler.report(present=present, absent=absent)
    return CalibratedProposals(proposals, left_open, report)


def calibrated_evidence(
    model: MultiLabelModel,
    table: ImageTable,
    *,
    unseen: bool,
    **options: Any,  # noqa: ANN401 - those of `readable_outputs`
) -> tuple[list[int], Float[Tensor, "kinds images classes"], CalibratedPseudoLabeler]:
    """Return rows that can be read, what speaks for their labels, and what makes that right.

    Args:
        model: As in `calibrated_proposals`.
        table: As in `calibrated_proposals`.
        unseen: As in `calibrated_proposals`.
        **options: As in `readable_outputs`.

    Raises:
        ValueError: If there is nothing to calibrate by.
    """
    labeler = deepcopy(_own_labeler(model))
    if labeler is None and not unseen:
        raise ValueError(
            "`model` must know how often it is right before anything can be promised, and this "
            "one does not: if it was never trained on the labels of this table, say so "
            "(`unseen=True`, or --unseen), or fit its `labeler` to labels that it never saw."
        )
    rows, evidence = _look(model, table, **options)
    if labeler is None or unseen:
        kinds, _, classes = evidence.shape
        labeler = CalibratedPseudoLabeler(classes, num_evidence=kinds)
        labeler.fit(evidence, table.labels[rows])
    return rows, evidence, labeler.to(evidence.device)


def _own_labeler(model: MultiLabelModel) -> CalibratedPseudoLabeler | None:
    if not isinstance(model, _Calibrated) or model.labeler is None or not model.labeler.is_fitted:
        return None
    return model.labeler


def _look(
    model: MultiLabelModel,
    table: ImageTable,
    **options: Any,  # noqa: ANN401 - those of `readable_outputs`
) -> tuple[list[int], Float[Tensor, "kinds images classes"]]:
    """Return the rows that can be read, and what speaks for each of their labels."""
    seen: list[int] = []
    found: list[Tensor] = []
    for rows, output in readable_outputs(model, table, **options):
        seen += rows
        found.append(_evidence(model, output))
    nothing = torch.zeros(1, 0, len(model.class_names))
    return seen, torch.cat(found, dim=1) if found else nothing


@torch.no_grad()
def _evidence(model: MultiLabelModel, output: ModelOutput) -> Float[Tensor, "kinds images classes"]:
    if isinstance(model, _Calibrated) and model.labeler is not None:
        return model.evidence(output).float().cpu()
    return output.logits.float().cpu()[None]
