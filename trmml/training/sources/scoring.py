"""What a model makes of the rows of a source: their logits, or their completed labels."""

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from trmml.distributed import gather_rows
from trmml.encoders.protocol import ImageEncoder
from trmml.labels import Labels
from trmml.models import MultiLabelModel
from trmml.models.zero_shot import dense_zero_shot_scores
from trmml.models.zero_shot_stack import ZeroShotStack
from trmml.prediction.scoring import Look, stream_outputs
from trmml.prediction.stacking import stack_look
from trmml.training.sources.source import TrainingSource
from trmml.training.sources.stored_features import StoredFeatures

__all__ = [
    "complete_stored_labels",
    "predict_logits",
    "score_source",
    "stack_evidence_of_source",
    "zero_shot_of_source",
]


@torch.no_grad()
def score_source(
    model: MultiLabelModel,
    source: TrainingSource,
    *,
    batch_size: int = 64,
    process: tuple[int, int] = (0, 1),
) -> Float[Tensor, "rows classes"]:
    """Return the logits of all rows, in order, on the CPU, each computed by one process.

    Args:
        model: Scores in eval mode.
        source: What to score, with a transform that draws nothing.
        batch_size: Rows at a time.
        process: Number of this process, and how many there are; all have to call this.

    Raises:
        FloatingPointError: If a score is nan or infinite, with the image and the class.
    """
    outputs = _outputs_of(model, source, None, batch_size=batch_size, process=process)
    nothing = torch.zeros(0, len(model.class_names), device=model.device)
    logits = torch.cat([nothing, *(output.logits.float() for output in outputs)])
    return gather_rows(logits).cpu()


@torch.no_grad()
def stack_evidence_of_source(
    model: MultiLabelModel,
    stack: ZeroShotStack,
    source: TrainingSource,
    *,
    batch_size: int = 64,
    process: tuple[int, int] = (0, 1),
) -> Float[Tensor, "2 rows classes"]:
    """Return score and zero-shot score of all rows, as `score_source` returns the prediction.

    Args:
        model: As in `score_source`.
        stack: Knows the texts of the classes.
        source: As in `score_source`.
        batch_size: As in `score_source`.
        process: As in `score_source`.

    Raises:
        FloatingPointError: As `score_source`.
    """
    look = stack_look(model, stack)
    outputs = _outputs_of(model, source, look, batch_size=batch_size, process=process)
    nothing = torch.zeros(0, 2, len(model.class_names), device=model.device)
    by_row = [output.evidence.float().transpose(0, 1) for output in outputs]
    return gather_rows(torch.cat([nothing, *by_row])).transpose(0, 1).cpu()


@torch.no_grad()
def zero_shot_of_source(
    encoder: ImageEncoder,
    stack: ZeroShotStack,
    source: TrainingSource,
    rows: Int[Tensor, " rows"],
    *,
    batch_size: int = 64,
    process: tuple[int, int] = (0, 1),
) -> tuple[Float[Tensor, "read classes"], Int[Tensor, "read classes"]]:
    """Return the zero-shot score of some rows, each read by one process, and their labels.

    Args:
        encoder: Of the images, where the source gives pixels.
        stack: Knows the texts of the classes.
        source: Images or features, also those to train on: of their views it gives the first.
        rows: Which.
        batch_size: As in `score_source`.
        process: As in `score_source`.
    """
    index, count = process
    part = rows.tensor_split(count)[index]
    parts = part.split(batch_size) if len(part) else []
    scores, labels = [stack.texts.new_zeros(0, len(stack.texts))], [source.labels[:0]]
    for batch in source.batches(parts, epoch=0):
        inputs = batch.to(stack.texts.device).inputs
        dense = inputs if batch.grid else encoder.encode_dense(inputs)[0]
        scores.append(dense_zero_shot_scores(dense.to(stack.texts), stack.texts))
        labels.append(batch.labels)
    known = torch.cat(labels).to(stack.texts.device, torch.long)
    return gather_rows(torch.cat(scores)).cpu(), gather_rows(known).cpu()


def _outputs_of(
    model: MultiLabelModel,
    source: TrainingSource,
    look: Look | None,
    *,
    batch_size: int,
    process: tuple[int, int],
) -> Iterator[Any]:
    """Yield what is made of this process's rows, batch by batch."""
    index, count = process
    rows = torch.arange(len(source.labels)).tensor_split(count)[index]
    parts = rows.split(batch_size) if len(rows) else []

    def name(batch: int, place: int) -> str:
        return source.describe(parts[batch][place : place + 1])

    sent = (batch.to(model.device) for batch in source.batches(parts, epoch=0))
    inputs = ((batch.inputs, batch.grid) for batch in sent)
    return stream_outputs(model, inputs, image=name, look=look)


def predict_logits(
    model: MultiLabelModel, features: StoredFeatures, *, batch_size: int = 256
) -> Float[Tensor, "images classes"]:
    """Return the logits of every image of a store, in order, on the CPU."""
    outputs = stream_outputs(model, _parts(features, batch_size))
    return torch.cat([output.logits.float() for output in outputs]).cpu()


@torch.no_grad()
def complete_stored_labels(
    model: MultiLabelModel, features: StoredFeatures, labels: Labels, *, batch_size: int = 256
) -> Labels:
    """Return the labels of every image of a store as the trained model completes them."""
    outputs = stream_outputs(model, _parts(features, batch_size))
    parts = zip(outputs, labels.split(batch_size), strict=True)
    return torch.cat([model.complete(output, known) for output, known in parts])


def _parts(features: StoredFeatures, size: int) -> Iterator[tuple[Tensor, tuple[int, int]]]:
    for start in range(0, len(features), size):
        yield features.dense[start : start + size], features.grid
