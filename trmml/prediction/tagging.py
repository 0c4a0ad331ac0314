"""Which classes are in a photograph: scores turned into tags, photograph by photograph."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from trmml.data import PictureList, Pictures
from trmml.metrics import decide
from trmml.models import MultiLabelModel
from trmml.prediction.calibration import HALF
from trmml.prediction.scoring import stream_scores

__all__ = ["ImageTag", "Prediction", "decision_thresholds", "tag_images"]


class ImageTag(NamedTuple):
    """What is said about one class in one photograph.

    Attributes:
        name: The class.
        probability: That it is there.
        threshold: From which probability on the class counts as there.
    """

    name: str
    probability: float
    threshold: float

    @property
    def present(self) -> bool:
        """Whether the probability reaches the threshold."""
        return self.probability >= self.threshold


@dataclass(frozen=True)
class Prediction:
    """What is said about one photograph.

    Attributes:
        path: The file as it was given; an address as text; and of what has no name "image 3", by
            its place in the list.
        tags: The most probable first; may be empty.
        problem: Why the file could not be read, or None.
    """

    path: str | Path
    tags: list[ImageTag]
    problem: str | None = None

    def as_dict(self) -> dict[str, object]:
        """Return the prediction as what JSON can hold."""
        tags = [
            {"class": tag.name, "probability": tag.probability, "threshold": tag.threshold}
            for tag in self.tags
        ]
        return {"image": str(self.path), "tags": tags}


def decision_thresholds(
    model: MultiLabelModel, threshold: float | None = None
) -> Float[Tensor, " classes"]:
    """Return the threshold of each class: one for all, the model's calibrated ones, or 0.5.

    Args:
        model: May carry calibrated thresholds.
        threshold: If given, that of every class, in [0, 1].

    Raises:
        ValueError: If the threshold is no probability, or the model's are of other classes.
    """
    num_classes = len(model.class_names)
    if threshold is not None and not 0 <= threshold <= 1:
        raise ValueError(f"`threshold` must be a probability in [0, 1], got {threshold}.")
    if threshold is None and model.decision_thresholds is not None:
        if len(model.decision_thresholds) != num_classes:
            raise ValueError(
                f"`model.decision_thresholds` must have {num_classes} numbers, one a class, got "
                f"{len(model.decision_thresholds)}; calibrate again."
            )
        return torch.tensor(model.decision_thresholds, dtype=torch.float32)
    return torch.full((num_classes,), float(HALF if threshold is None else threshold))


def tag_images(
    model: MultiLabelModel,
    pictures: Pictures,
    *,
    top_k: int | None = None,
    threshold: float | None = None,
    batch_size: int = 32,
    num_workers: int = 0,
    allow_urls: bool = False,
) -> Iterator[Prediction]:
    """Say of each photograph which classes it shows; nothing piles up, however many there are.

    Args:
        model: A trained model.
        pictures: Files, opened images, arrays of 8-bit pixels, or addresses, see
            `trmml.data.Picture`; a single one, or a list. What comes twice is scored twice.
        top_k: If given, at most so many classes a photograph; without `threshold`, always so
            many, probable or not.
        threshold: As in `decision_thresholds`.
        batch_size: As in `stream_scores`.
        num_workers: As in `stream_scores`.
        allow_urls: Whether names that begin with `http://` or `https://` are fetched.

    Yields:
        One prediction for each picture in order, also for a file that cannot be read.

    Raises:
        ValueError: If an option is out of range, an array has another type or shape, or there is
            an address and none is allowed.
        TypeError: If something is no picture.
    """
    cuts = decision_thresholds(model, threshold)
    best_alone = top_k is not None and threshold is None
    titles = model.class_names.titles
    table = PictureList(pictures, allow_urls=allow_urls)
    stream = stream_scores(model, table, batch_size=batch_size, num_workers=num_workers)
    for rows, logits, broken in stream:
        probabilities = logits.sigmoid()
        chosen = decide(probabilities, threshold=None if best_alone else cuts, top_k=top_k)
        found = {
            row: Prediction(table.sources[row], [], error.reason) for row, error in broken.items()
        }
        for row, values, present in zip(rows, probabilities, chosen, strict=True):
            order = values.argsort(descending=True, stable=True)
            tags = [
                ImageTag(titles[column], float(values[column]), float(cuts[column]))
                for column in order[present[order]].tolist()
            ]
            found[row] = Prediction(table.sources[row], tags)
        yield from (found[row] for row in sorted(found))
