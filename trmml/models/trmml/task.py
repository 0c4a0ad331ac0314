"""How TRM-ML is trained: two stages, and a slower region decoder."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from trmml.class_names import NameOrSynonyms
from trmml.completion.added_labels import Completion
from trmml.completion.ranked_labels import ranked_labels
from trmml.completion.withholding import withheld_cells
from trmml.distributed import gather_rows
from trmml.encoders.protocol import EncoderPair
from trmml.functional.positive_pairs import most_positives_of
from trmml.labels import UNKNOWN, Labels
from trmml.models.batch import Batch
from trmml.models.completed_labels import CompletedLabels
from trmml.models.method_config import MethodConfig
from trmml.models.task import Forerunner, ParameterGroup, Task
from trmml.models.trmml.judges import JudgesTask, rows_of, unseen_evidence
from trmml.models.trmml.learning_rates import decoder_apart
from trmml.models.trmml.model import TRMML
from trmml.models.trmml.outputs import TRMMLOutput
from trmml.modules import CalibratedPseudoLabeler

__all__ = ["TRMMLTask"]

NOTHING_TOLD = (
    "No label is added: by the labels that are known, the evidence is not surely better than "
    "chance; find out more labels, or train longer."
)


class TRMMLTask(Task):
    """Train `TRMML`: calibrate its regions, fill the bank, then complete missing labels.

    Args:
        model: To train.

    Examples:
        >>> from trmml.encoders import load_tiny
        >>> from trmml.models import Batch
        >>> task = TRMMLTask(TRMML(load_tiny(), ["tree", "boat"], image_size=64)).train()
        >>> losses = task(Batch(torch.randn(2, 3, 64, 64), torch.tensor([[1, -1], [0, 1]])))
        >>> sorted(losses)
        ['contrastive', 'distillation', 'query', 'region', 'total']
    """

    Model = TRMML
    model: TRMML

    def __init__(self, model: TRMML) -> None:
        """Hold the model, and no completed labels yet."""
        super().__init__(model)
        self.loss = model.classification_loss
        self.completed = self.labeler = self.seen = None
        self._num_images = self._most_positives = None
        config = model.config
        if config.completion == "paper" and config.prototypes != "none":
            self.seen = CompletedLabels(len(model.class_names))
        if model.labeler is not None:
            self.completed = CompletedLabels(len(model.class_names))
            # Not the model's: once the withheld labels are learnt from, it is too sure of them.
            self.labeler = CalibratedPseudoLabeler(
                len(model.class_names), num_evidence=model.labeler.num_evidence
            )

    @classmethod
    def build(
        cls,
        encoders: EncoderPair,
        class_names: Sequence[NameOrSynonyms],
        *,
        config: MethodConfig,
        image_size: int = 448,
        generator: torch.Generator | None = None,
    ) -> "TRMMLTask":
        """Return the task of a fresh model, with another one's region decoder if it is to be so.

        Raises:
            ValueError: If that decoder is of other classes, towers or regions.
        """
        task = super().build(
            encoders, class_names, config=config, image_size=image_size, generator=generator
        )
        decoder = task.model.config.region_decoder
        if decoder is not None:
            task.model.load_region_decoder(decoder)
        return task

    def forward(self, batch: Batch) -> dict[str, Float[Tensor, ""]]:
        """Return the terms of Eq. (15), and learn prototypes and thresholds.

        Raises:
            ValueError: If the batch has no `rows` where completion is calibrated.
        """
        labels, completed = self._taught(batch)
        output = self.match(batch)
        losses = self.model.loss(
            output,
            labels,
            completed=completed,
            rows=batch.rows,
            most_positives=self._most_positives,
        )._asdict()
        self._note_completed(output, batch)
        if self.loss.needs_rows:
            taught = self.model.complete(output, labels) if completed is None else completed
            self.note(self.loss, output.logits, taught, batch.rows)
        return losses

    @torch.no_grad()
    def _note_completed(self, output: TRMMLOutput, batch: Batch) -> None:
        """Note what the losses have just seen, where every step completes labels anew."""
        if self.seen is None or batch.rows is None or not self.model.completes_labels:
            return
        # The loss has learnt from the batch before it completed; nothing has changed since.
        completed = self.model.complete(output, batch.labels).to(torch.int8)
        self.seen.note(gather_rows(batch.rows), gather_rows(completed), num_images=self._num_images)

    def _taught(self, batch: Batch) -> tuple[Labels, Labels | None]:
        """Return the labels known in this stage, and the completed ones if they are kept."""
        if self.completed is None:
            return batch.labels, None
        labels, rows = batch.labels, rows_of(batch)
        given_back = len(self.completed) and self.model.config.give_back
        if not (self._has_judges or given_back):
            labels = labels.masked_fill(self._withheld(rows), UNKNOWN)
        if not len(self.completed):
            return labels, labels
        completed = self.completed.of(rows).to(labels.dtype)
        return labels, torch.where(labels == UNKNOWN, completed, labels)

    def begin_training(self, labels: Labels) -> None:
        """Tell the loss what is known, but for what it must not learn from."""
        if self.completed is not None and not self._has_judges:
            labels = labels.masked_fill(self._withheld(torch.arange(len(labels))), UNKNOWN)
        self._num_images, self._most_positives = len(labels), most_positives_of(labels)
        super().begin_training(labels)

    def _withheld(self, rows: Int[Tensor, " rows"]) -> Bool[Tensor, "rows classes"]:
        share = self.model.config.withheld_share
        return withheld_cells(rows, len(self.model.class_names), share=share, seed=0)

    def surveys(self, epoch: int, *, epochs: int) -> bool:
        """Look at all images once, when the second stage begins, where no other model does."""
        if self.completed is None or len(self.completed) or self._has_judges:
            return False
        return epoch >= self.model.config.first_stage_epochs(epochs)

    def look(self, batch: Batch) -> Float[Tensor, "batch kinds classes"]:
        """Return the evidence for each label."""
        return self.model.evidence(self.match(batch)).transpose(0, 1)

    def forerunner(self, *, epochs: int) -> Forerunner | None:
        """Return the two models that judge each other's labels, if they do."""
        if not self._has_judges:
            return None
        return Forerunner(
            JudgesTask(self.model), max(1, round(epochs * self.model.config.judges_share))
        )

    @property
    def _has_judges(self) -> bool:
        return self.completed is not None and self.model.config.judged_by == "halves"

    def take_survey(self, found: Float[Tensor, "images kinds classes"], labels: Labels) -> None:
        """Fit the completion to labels that the evidence has not seen, and complete others once."""
        labeler, config = self.labeler, self.model.config
        if labeler is None or self.completed is None:
            return
        evidence, labels = (
            found.transpose(0, 1).to(labeler.mean.device),
            labels.to(labeler.mean.device),
        )
        unseen = labels
        if self._has_judges:
            evidence = unseen_evidence(evidence, labels)
        else:
            withheld = self._withheld(torch.arange(len(labels), device=labels.device))
            unseen = labels.masked_fill(~withheld, UNKNOWN)
        labeler.fit(evidence, unseen)
        probabilities = labeler.probability(evidence) if labeler.is_fitted else None
        if config.completion == "ranked":
            share = config.ranked_share
            completed = ranked_labels(evidence, labels, withheld=unseen, share=share)
        else:
            completed = labeler(
                evidence, labels, present=config.present_precision, absent=config.absent_precision
            )
        self.completed.hold(completed, probabilities)

    def parameter_groups(self) -> list[ParameterGroup]:
        """Return the region decoder apart from everything else."""
        return decoder_apart(self.model)

    def begin_epoch(self, epoch: int, *, epochs: int) -> None:
        """Begin the second stage when it is time."""
        super().begin_epoch(epoch, epochs=epochs)
        prototypes = self.model.prototypes
        second = epoch >= self.model.config.first_stage_epochs(epochs)
        if second and prototypes is not None and prototypes.stage == 1:
            self.model.begin_second_stage()

    @property
    def calibration_images(self) -> int:
        """How many images set the start of the regions."""
        return self.model.calibration_images

    def calibrate(self, features: Float[Tensor, "batch positions dim"]) -> None:
        """Set the start of the regions."""
        self.model.calibrate(features)

    def completion(self, labels: Labels) -> Completion | None:
        """Return the labels as the losses last saw each image; only "calibrated" promises.

        Args:
            labels: Known labels of all training images, in order.
        """
        if self.seen is not None:
            return Completion(self.seen.over(labels))
        if self.completed is None or self.labeler is None:
            return None
        config, held = self.model.config, self.completed
        probabilities = held.probabilities.to(labels.device) if len(held.probabilities) else None
        if config.completion == "ranked":
            completed = held.over(labels)
            added = not len(held) or bool((completed != labels).any())
            return Completion(completed, probabilities, reasons=() if added else (NOTHING_TOLD,))
        precision = {"present": config.present_precision, "absent": config.absent_precision}
        reasons = self.labeler.report(**precision).reasons if len(held) else ()
        return Completion(held.over(labels), probabilities, **precision, reasons=reasons)

    def facts(self) -> dict[str, Any]:
        """Return the stage, and how many labels are completed."""
        prototypes = self.model.prototypes
        found: dict[str, Any] = {}
        if prototypes is not None:
            found["stage"] = int(prototypes.stage)
        if self.completed is not None:
            labels = self.completed.labels
            found["completed"] = {
                "positive": int((labels > 0).sum()),
                "negative": int((labels < 0).sum()),
            }
        return found
