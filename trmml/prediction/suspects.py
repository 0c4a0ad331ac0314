"""Known labels of a table that are most likely wrong."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from trmml.completion import out_of_fold_probabilities, rank_suspects
from trmml.data import ImageTable
from trmml.labels import POSITIVE, UNKNOWN
from trmml.models import MultiLabelModel
from trmml.prediction.tower_features import tower_features

__all__ = ["Suspect", "Suspects", "find_suspects"]


@dataclass(frozen=True)
class Suspect:
    """One known label that may be wrong.

    Attributes:
        image: File name, as in the table.
        class_name: The class, as in the table.
        given: The label as it is, +1 or -1.
        probability: That the class is there, as far as the other images' labels tell.
    """

    image: str
    class_name: str
    given: int
    probability: float

    @property
    def label(self) -> int:
        """The label that would correct it."""
        return -self.given

    @property
    def source(self) -> Literal["out-of-fold"]:
        """What decided."""
        return "out-of-fold"

    @property
    def confidence(self) -> float:
        """The probability of the given label; the lower, the more suspect."""
        return self.probability if self.given == POSITIVE else 1 - self.probability


class Suspects(NamedTuple):
    """What was found.

    Attributes:
        found: The most suspect first.
        judged: How many known labels were looked at.
        left_out: Classes of which only one kind of label is known.
    """

    found: list[Suspect]
    judged: int
    left_out: list[str]


def find_suspects(
    model: MultiLabelModel,
    table: ImageTable,
    *,
    folds: int = 5,
    top_k: int | None = 100,
    batch_size: int = 32,
    num_workers: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Suspects:
    """Rank the known labels of a table by how unlikely they are; unknown ones are passed over.

    Each label is judged by linear probes on the features of the frozen towers that saw neither it
    nor its image, and by the similarity of image and name. Of the model only the towers are used:
    what it learnt, perhaps from these very labels, has no say, and its classes may be others.

    Args:
        model: Whose towers look, and at which size.
        table: Images with labels.
        folds: Parts that the images are dealt out into, at least 2.
        top_k: How many to return; None for all.
        batch_size: Images at once.
        num_workers: Processes that read images.
        progress: Called with the number of images after each batch.

    Returns:
        Suspects in the table that can be read; `table.broken_files()` lists the other images.

    Raises:
        ValueError: If no label is known, no class has both kinds of known label, or there are fewer
            images than folds.

    Examples:
        >>> import torch
        >>> from trmml.encoders import load_tiny
        >>> from trmml.models import TRMML
        >>> model = TRMML(load_tiny(), ["tree"], image_size=64)
        >>> find_suspects(model, ImageTable(".", ["a.jpg"], torch.tensor([[0]]), ["tree"]))
        Traceback (most recent call last):
            ...
        ValueError: `table` must have known labels to find wrong ones, got 1 image and none.
    """
    known = int((table.labels != UNKNOWN).sum())
    size = f"{len(table):,} image{'s' if len(table) != 1 else ''}"
    if not known:
        raise ValueError(f"`table` must have known labels to find wrong ones, got {size} and none.")
    if not 2 <= folds <= len(table):
        raise ValueError(
            f"`folds` must be at least 2 and no more than there are images, got {folds} for {size}."
        )
    seen = tower_features(
        model,
        table,
        table.class_names,
        batch_size=batch_size,
        num_workers=num_workers,
        progress=progress,
    )
    if not seen.rows:
        return Suspects([], 0, [])
    labels = table.labels[seen.rows].long().to(seen.features.device)
    judge = out_of_fold_probabilities(
        seen.features, labels, evidence=seen.evidence if len(seen.evidence) else None, folds=folds
    )
    ranked = rank_suspects(judge.probabilities, labels, top_k=top_k)
    found = [
        Suspect(
            table.names[seen.rows[row]],
            table.class_names[column],
            int(labels[row, column]),
            float(judge.probabilities[row, column]),
        )
        for row, column in zip(ranked.rows.tolist(), ranked.columns.tolist(), strict=True)
    ]
    judged = judge.judged.tolist()
    left_out = [name for name, kept in zip(table.class_names, judged, strict=True) if not kept]
    return Suspects(found, int((labels[:, judge.judged] != UNKNOWN).sum()), left_out)
