"""Two models, each of which learns one half of the known labels and judges the other."""

from copy import deepcopy
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from trmml.completion.withheld_labels import standardised
from trmml.completion.withholding import withheld_cells
from trmml.encoders.protocol import EncoderPair
from trmml.functional.positive_pairs import most_positives_of
from trmml.labels import UNKNOWN, Labels
from trmml.losses.label_loss import label_losses
from trmml.models.batch import Batch
from trmml.models.task import ParameterGroup, Task
from trmml.models.trmml.learning_rates import decoder_apart
from trmml.models.trmml.model import TRMML
from trmml.models.trmml.outputs import TRMMLOutput

__all__ = ["JudgesTask", "rows_of", "unseen_evidence"]

HALF = 0.5


class JudgesTask(Task):
    """Train two copies of a model side by side, each on the half of the labels the other lacks.

    Neither completes anything. What each says of the half that it has not seen is as honest as what
    a model says of labels that nobody knows, so all known labels, not a part withheld for good,
    tell how often the evidence is right.

    Args:
        model: Whose start both share, with the frozen towers; it is left alone.
    """

    Model = TRMML
    model: TRMML

    def __init__(self, model: TRMML) -> None:
        """Copy the model twice."""
        kept = _frozen_parts(model.encoders)
        super().__init__(deepcopy(model, dict(kept)))
        self.other = deepcopy(model, dict(kept))
        self._most_positives = None
        models = (self.model, self.other)
        self.losses = nn.ModuleList([one.classification_loss for one in models])

    def forward(self, batch: Batch) -> dict[str, Float[Tensor, ""]]:
        """Return the losses of both models, each without the half that it is to judge.

        Raises:
            ValueError: If the batch has no `rows`.
        """
        first = first_half(rows_of(batch), batch.labels.shape[1])
        totals = []
        for model, output, hidden in zip(
            (self.model, self.other), self.both(batch), (first, ~first), strict=True
        ):
            labels = batch.labels.masked_fill(hidden, UNKNOWN)
            losses = model.loss(
                output,
                labels,
                completed=labels,
                rows=batch.rows,
                most_positives=self._most_positives,
            )
            totals.append(losses.total)
            if model.classification_loss.needs_rows:  # such a loss sees all classes
                self.note(model.classification_loss, output.logits, labels, batch.rows)
        return {"total": totals[0] + totals[1]}

    def begin_training(self, labels: Labels) -> None:
        """Tell either model's loss of the half of the labels that it learns."""
        first = first_half(torch.arange(len(labels)), labels.shape[1])
        self._most_positives = most_positives_of(labels)
        for loss, hidden in zip(label_losses(self), (first, ~first), strict=True):
            loss.begin_training(labels.masked_fill(hidden, UNKNOWN))

    def both(self, batch: Batch) -> tuple[TRMMLOutput, TRMMLOutput]:
        """Return what either model makes of a batch of images or of stored features."""
        one = self.match(batch)
        features, grid = one.features, one.grid
        encoder = self.other.image_encoder
        # A tower is shared, and has been asked, unless it has a projection of its own that learns.
        if batch.grid is None and encoder is not self.model.image_encoder:
            features, grid = encoder.encode_dense(batch.inputs)
        return one, self.other.match(features, grid, classes=batch.classes)

    def parameter_groups(self) -> list[ParameterGroup]:
        """Return both models' parameters, their region decoders apart."""
        return [*decoder_apart(self.model), *decoder_apart(self.other)]

    def clipped_together(self) -> list[list[nn.Parameter]]:
        """Keep the models apart: a steep gradient of one would say something to the other."""
        return [list(model.parameters()) for model in (self.model, self.other)]

    @property
    def calibration_images(self) -> int:
        """How many images set the start of the regions."""
        return self.model.calibration_images

    def calibrate(self, features: Float[Tensor, "batch positions dim"]) -> None:
        """Set the start of the regions."""
        self.model.calibrate(features)
        self.other.calibrate(features)

    def look(self, batch: Batch) -> Float[Tensor, "batch kinds classes"]:
        """Return the evidence of the first model, then that of the second."""
        one, other = self.both(batch)
        found = [self.model.evidence(one), self.other.evidence(other)]
        return torch.cat(found).transpose(0, 1)


def rows_of(batch: Batch) -> Int[Tensor, " rows"]:
    """Return which of all training images a batch has.

    Raises:
        ValueError: If it does not say.
    """
    if batch.rows is None:
        raise ValueError(
            '`batch.rows` must say which images these are where `completion` is "calibrated", '
            "got None."
        )
    return batch.rows


def first_half(rows: Int[Tensor, " rows"], num_classes: int) -> Bool[Tensor, "rows classes"]:
    """Return the cells that the first model does not see, and the second alone does.

    Args:
        rows: Which of all training images these are.
        num_classes: Number of categories.
    """
    return withheld_cells(rows, num_classes, share=HALF, seed=1)


def unseen_evidence(
    evidence: Float[Tensor, "kinds images classes"], labels: Labels
) -> Float[Tensor, "half images classes"]:
    """Return for each known label what the model says that has not seen it, else the mean of both.

    Args:
        evidence: What `JudgesTask.look` gave of all training images, kinds first.
        labels: Known labels of these images.
    """
    one, other = (standardised(part)[0] for part in evidence.chunk(2))
    rows = torch.arange(len(labels), device=evidence.device)
    unseen = torch.where(first_half(rows, labels.shape[1]), one, other)
    return torch.where(labels != UNKNOWN, unseen, (one + other) / 2)


def _frozen_parts(encoders: EncoderPair) -> dict[int, Any]:
    """Return what of the towers never learns, by `id`, as `copy.deepcopy` takes what is shared."""
    found: dict[int, Any] = {}
    for tower in (encoders.image, encoders.text):
        parts = tower.modules() if isinstance(tower, nn.Module) else [tower]
        for part in parts:
            learns = isinstance(part, nn.Module) and any(
                parameter.requires_grad for parameter in part.parameters()
            )
            if not learns:
                found[id(part)] = part
    return found
