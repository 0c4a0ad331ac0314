"""The scores of images: one loop for tables, stored features and training sources."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from math import nan
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from trmml.data import BrokenImageError, ImageTable, PictureList, square_pixels
from trmml.encoders import normalize_pixels
from trmml.models import ModelOutput, MultiLabelModel
from trmml.models.finite_scores import require_finite_scores

__all__ = [
    "Look",
    "PixelBatch",
    "ScoredBatch",
    "eval_mode",
    "pixel_batches",
    "readable_outputs",
    "score_images",
    "stream_outputs",
    "stream_scores",
    "stream_table",
]

Inputs = tuple[Float[Tensor, "batch ..."] | UInt8[Tensor, "batch 3 height width"], Any]
"""Images, 8-bit or normalised, with None; or dense features with the grid of their positions."""

Look = Callable[[Float[Tensor, "batch positions dim"], tuple[int, int]], ModelOutput]
"""Makes an output of dense features and their grid."""

PixelBatch = tuple[list[int], Tensor | None, dict[int, BrokenImageError]]
"""Rows, their images (None of no row), and the broken rows with what is wrong."""


@contextmanager
def eval_mode(model: MultiLabelModel) -> Iterator[None]:
    """Put a model in eval mode while the block runs, and back then.

    Around all batches, not around each: what depends on the prompts alone is then computed once.
    """
    training = model.training
    if training:
        model.eval()
    try:
        yield
    finally:
        if training:
            model.train()


def stream_outputs(
    model: MultiLabelModel,
    batches: Iterable[Inputs],
    *,
    image: Callable[[int, int], str] = "image {1} of batch {0}".format,
    look: Look | None = None,
) -> Iterator[Any]:
    """Yield what a model makes of each batch, in eval mode and without autograd.

    Args:
        model: Computes where it lives.
        batches: See `Inputs`.
        image: Names an image by the number of its batch and its place there, for the message.
        look: Another output to make of dense features and their grid; None is the prediction.

    Raises:
        FloatingPointError: If a score is nan or infinite, with the image and the class.
    """
    names = model.class_names.titles
    with eval_mode(model):
        for number, (inputs, grid) in enumerate(batches):
            # Not around the `yield`: whoever takes the output keeps their own grad mode.
            with torch.no_grad():
                inputs = inputs.to(model.device, non_blocking=True)
                if inputs.dtype == torch.uint8:  # a quarter of the bytes to send between processes
                    inputs = normalize_pixels(inputs, model.image_encoder)
                if look is not None:
                    dense = (inputs, grid) if grid else model.image_encoder.encode_dense(inputs)
                    output = look(*dense)
                else:
                    output = model(inputs) if grid is None else model.prediction(inputs, grid)
                require_finite_scores(output.logits, names, image=partial(image, number))
            yield output


class ScoredBatch(NamedTuple):
    """The scores of some consecutive rows of a table.

    Attributes:
        rows: The rows that could be read.
        logits: Their scores, on the CPU; the sigmoid is the probability.
        broken: Every other row of the batch, with what is wrong with its file.
    """

    rows: list[int]
    logits: Float[Tensor, "rows classes"]
    broken: dict[int, BrokenImageError]


def stream_scores(
    model: MultiLabelModel,
    table: ImageTable | PictureList,
    *,
    batch_size: int = 32,
    num_workers: int = 0,
) -> Iterator[ScoredBatch]:
    """Score a table's images in order and hand on each batch, so that nothing piles up.

    Args:
        model: Scores in eval mode and without autograd, on the device where it lives; its mode
            is restored at the end.
        table: Images, with labels or without. Without a transform of its own, they are prepared as
            `model.preprocess` does; a transform must return tensors of one size.
        batch_size: Images at once.
        num_workers: Processes that read images; 0 reads in this one.

    Yields:
        Batches in the table's order. A file that cannot be decoded is in `broken`, whatever the
        table's rule for it.

    Raises:
        ValueError: If `batch_size` is below 1.
        FloatingPointError: If a score is nan or infinite, with the image and the class.
    """
    nothing = torch.empty(0, len(model.class_names))
    stream = stream_table(model, table, batch_size=batch_size, num_workers=num_workers)
    for rows, output, broken in stream:
        logits = nothing if output is None else output.logits.float().cpu()
        yield ScoredBatch(rows, logits, broken)


def score_images(
    model: MultiLabelModel,
    table: ImageTable,
    *,
    batch_size: int = 32,
    num_workers: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Float[Tensor, "images classes"]:
    """Return the logits of every image, in the table's order.

    Args:
        model: As in `stream_scores`.
        table: As in `stream_scores`.
        batch_size: As in `stream_scores`.
        num_workers: As in `stream_scores`.
        progress: Called with the number of images after each batch.

    Returns:
        Logits on the CPU. With `broken="skip"`, a row of nan for each image that cannot be
        decoded: `evaluate_scores` leaves these out, `table.broken_files()` gives the reasons.

    Raises:
        BrokenImageError: If an image cannot be decoded and the table says `broken="error"`.
        ValueError: If the table says `broken="replace"`: a score must be of the row's own image.
        FloatingPointError: As `stream_scores`.
    """
    if table.broken == "replace":
        raise ValueError(
            '`table` must have `broken` "error" or "skip" to be scored, got "replace".'
        )
    scores = torch.full((len(table), len(model.class_names)), nan)
    for batch in stream_scores(model, table, batch_size=batch_size, num_workers=num_workers):
        if batch.broken and table.broken == "error":
            raise next(iter(batch.broken.values()))
        for row in batch.broken:
            table.mark_broken(row)
        scores[batch.rows] = batch.logits
        if progress is not None:
            progress(len(batch.rows) + len(batch.broken))
    return scores


def stream_table(
    model: MultiLabelModel,
    table: ImageTable | PictureList,
    *,
    batch_size: int = 32,
    num_workers: int = 0,
    look: Look | None = None,
) -> Iterator[tuple[list[int], Any, dict[int, BrokenImageError]]]:
    """Yield rows, what the model makes of them (None of no row), and the broken ones."""
    loader = pixel_batches(model, table, batch_size=batch_size, num_workers=num_workers)
    waiting: deque[tuple[list[int], dict[int, BrokenImageError]]] = deque()

    def readable() -> Iterator[Inputs]:
        for rows, images, broken in loader:
            waiting.append((rows, broken))
            if images is not None:
                yield images, None

    def name(_: int, place: int) -> str:
        return table.names[waiting[-1][0][place]]  # the last batch that was asked for

    for output in stream_outputs(model, readable(), image=name, look=look):
        while not waiting[0][0]:  # batches of which not one image could be read
            yield [], None, waiting.popleft()[1]
        rows, broken = waiting.popleft()
        yield rows, output, broken
    for rows, broken in waiting:
        yield rows, None, broken


def readable_outputs(
    model: MultiLabelModel,
    table: ImageTable,
    *,
    batch_size: int = 32,
    num_workers: int = 0,
    look: Look | None = None,
    progress: Callable[[int], None] | None = None,
) -> Iterator[tuple[list[int], Any]]:
    """Yield rows that can be read with what the model makes of them; mark the others as broken.

    Args:
        model: As in `stream_scores`.
        table: As in `stream_scores`; `table.broken_files()` lists what could not be read.
        batch_size: As in `stream_scores`.
        num_workers: As in `stream_scores`.
        look: As in `stream_outputs`.
        progress: Called with the number of images after each batch, broken ones too.
    """
    stream = stream_table(model, table, batch_size=batch_size, num_workers=num_workers, look=look)
    for rows, output, broken in stream:
        for row in broken:
            table.mark_broken(row)
        if output is not None:
            yield rows, output
        if progress is not None:
            progress(len(rows) + len(broken))


def pixel_batches(
    model: MultiLabelModel, table: ImageTable | PictureList, *, batch_size: int, num_workers: int
) -> Iterable[PixelBatch]:
    """Return batches of a table's images, prepared for the model but not normalised.

    Args:
        model: As in `stream_scores`.
        table: As in `stream_scores`.
        batch_size: As in `stream_scores`.
        num_workers: As in `stream_scores`.

    Returns:
        Rows, their images (None of no row), and the broken rows, batch by batch.

    Raises:
        ValueError: If `batch_size` is below 1.
    """
    if batch_size < 1:
        raise ValueError(f"`batch_size` must be at least 1, got {batch_size}.")
    return DataLoader(
        _Rows(table, model.image_size),
        batch_size=batch_size,
        num_workers=num_workers,
        collate_fn=_collate,
        pin_memory=model.device.type == "cuda",
    )


class _Rows(Dataset[tuple[int, Tensor | BrokenImageError]]):
    """A table's prepared images, or what is wrong with them, for a loader's workers."""

    def __init__(self, table: ImageTable | PictureList, size: int) -> None:
        if isinstance(table, ImageTable):
            # The caller's rule for broken files is applied where the scores arrive.
            table = table.replace(broken="error")
        self.table, self.size = table, size

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, row: int) -> tuple[int, Tensor | BrokenImageError]:
        table = self.table
        try:
            image = table[row][0] if isinstance(table, ImageTable) else table[row]
        except BrokenImageError as error:
            return row, error
        return row, image if isinstance(image, Tensor) else square_pixels(image, self.size)


def _collate(items: list[tuple[int, Tensor | BrokenImageError]]) -> PixelBatch:
    images = {row: image for row, image in items if isinstance(image, Tensor)}
    broken = {row: error for row, error in items if isinstance(error, BrokenImageError)}
    return [*images], torch.stack([*images.values()]) if images else None, broken
