"""What SST and HST share: labels go from class to class in an image, and from image to image."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from trmml.completion.added_labels import Completion
from trmml.distributed import gather_rows
from trmml.functional import asymmetric_loss, class_contrast
from trmml.functional.checks import check_at_least, check_labels_on_cpu
from trmml.labels import NEGATIVE, POSITIVE, UNKNOWN, Labels
from trmml.models.batch import Batch
from trmml.models.completed_labels import CompletedLabels
from trmml.models.semantic_graph_model import (
    SemanticGraphConfig,
    SemanticGraphModel,
    SemanticGraphTask,
)
from trmml.modules import PrototypeMemoryBank
from trmml.typed_module import TypedModule

__all__ = [
    "PairScores",
    "TransferConfig",
    "TransferModel",
    "TransferTask",
    "pair_labels",
    "transferred_scores",
]


@dataclass(frozen=True, kw_only=True)
class TransferConfig(SemanticGraphConfig):
    """Settings of SST and HST; see also `SemanticGraphConfig`.

    Attributes:
        pair_width: Size of the features that pairs of classes are judged by; published is 512.
        transfer_epoch: Epoch, from 0, from which on labels are transferred.
        bank_capacity: Images of each class that are remembered.
        within_weight: Of the loss of labels transferred within an image.
        across_weight: Of the loss of labels transferred between images.
        pair_weight: Of the loss that teaches which classes occur together.
        contrast_weight: Of the contrast of features.
    """

    pair_width: int = 128
    transfer_epoch: int = 5
    bank_capacity: int = 100
    within_weight: float = 1.0
    across_weight: float = 1.0
    pair_weight: float = 10.0
    contrast_weight: float = 0.05

    def __post_init__(self) -> None:
        """Refuse numbers outside their range.

        Raises:
            ValueError: If a count is below 1, or a weight below 0.
        """
        super().__post_init__()
        check_at_least(self, 1, "pair_width", "bank_capacity")
        weights = ("within_weight", "across_weight", "pair_weight", "contrast_weight")
        check_at_least(self, 0, "transfer_epoch", *weights)


class TransferModel(SemanticGraphModel):
    """Predict as `SemanticGraphModel` does, with what judges pairs of classes beside it."""

    training_only = ("pairs.",)
    config: TransferConfig

    def assemble(self) -> None:
        """Draw the layers."""
        super().assemble()
        self.pairs = PairScores(self.config.width, self.config.pair_width)


class PairScores(TypedModule):
    r"""Judge for each pair of classes whether an image has both.

    $$ o_{ij} = v \cdot \max(U e_i + V e_j + b, 0) + d, \quad i < j, \qquad e = R f,
       \qquad o_{ji} = o_{ij} $$

    Args:
        width: Size of the features of classes.
        pair_width: Size of `e`, and of what is inside.

    Examples:
        >>> scores = PairScores(8, 4)(torch.randn(2, 3, 8))
        >>> scores.shape, bool((scores == scores.mT).all())
        (torch.Size([2, 3, 3]), True)
    """

    def __init__(self, width: int, pair_width: int) -> None:
        """Draw the layers."""
        super().__init__()
        self.reduced = nn.Linear(width, pair_width)
        self.first = nn.Linear(pair_width, pair_width)
        self.second = nn.Linear(pair_width, pair_width, bias=False)
        self.score = nn.Linear(pair_width, 1)

    def forward(
        self, class_features: Float[Tensor, "batch classes width"]
    ) -> Float[Tensor, "batch classes classes"]:
        """Return the logit of every pair; the diagonal says nothing, and is 0."""
        reduced = self.reduced(class_features)
        inner = self.first(reduced)[:, :, None] + self.second(reduced)[:, None]
        upper = self.score(inner.relu()).squeeze(-1).triu(1)
        return upper + upper.mT


class TransferTask(SemanticGraphTask, ABC):
    """Train a `TransferModel`, and transfer known positive labels to unknown ones.

    Args:
        model: To train.
    """

    model: TransferModel

    def __init__(self, model: TransferModel) -> None:
        """Start with nothing remembered."""
        super().__init__(model)
        config = model.config
        classes = len(model.class_names)
        self.bank = PrototypeMemoryBank(
            classes,
            config.width,
            capacity=config.bank_capacity,
            top_k=1,
            gather_distributed=True,
        )
        self.added = CompletedLabels(classes)
        self.transfers = self.contrasts = False
        self._num_images = None

    def begin_training(self, labels: Labels) -> None:
        """Count the images, so that no step has to look for the last."""
        super().begin_training(labels)
        self._num_images = len(labels)

    def begin_epoch(self, epoch: int, *, epochs: int) -> None:
        """Begin to transfer labels when it is time."""
        super().begin_epoch(epoch, epochs=epochs)
        self.transfers = epoch >= self.model.config.transfer_epoch
        self.contrasts = epoch >= 1

    def forward(self, batch: Batch) -> dict[str, Float[Tensor, ""]]:
        """Return all losses, and remember the known positives of the batch."""
        check_labels_on_cpu(batch.labels)
        output, config = self.match(batch), self.model.config
        labels = batch.labels
        pairs = self.model.pairs(output.class_features)
        losses = {
            "labels": self.label_loss(output.logits, batch),
            "pairs": config.pair_weight * self.over_processes(pair_loss(pairs, labels), batch),
        }
        if self.transfers:
            losses |= self._transfer(output, pairs.detach(), batch)
        if self.contrasts:
            everything = gather_rows(output.class_features), gather_rows(labels)
            losses["contrast"] = config.contrast_weight * class_contrast(*everything)
        if self.training:
            self._remember(output.class_features.detach(), labels)
        return losses | {"total": torch.stack([*losses.values()]).sum()}

    @abstractmethod
    def taught(
        self, scores: Float[Tensor, "batch classes"], way: int
    ) -> Float[Tensor, "batch classes"]:
        """Return what unknown labels are taught, as probabilities; 0 where they are left alone.

        Args:
            scores: How surely each class is there; nan where nothing tells.
            way: 0 within an image, 1 between images.
        """

    def _transfer(
        self,
        output: Any,  # noqa: ANN401
        pairs: Float[Tensor, "batch classes classes"],
        batch: Batch,
    ) -> dict[str, Float[Tensor, ""]]:
        """Return the losses of the labels transferred in both ways."""
        config, labels = self.model.config, batch.labels
        within = transferred_scores(pairs, labels)
        across = self.bank.similarity(output.class_features.detach())
        losses, found = {}, torch.zeros_like(labels)
        for way, (name, scores, weight) in enumerate(
            (("within", within, config.within_weight), ("across", across, config.across_weight))
        ):
            soft = self.taught(scores, way).masked_fill(labels != UNKNOWN, 0)
            found = torch.where(soft > 0, POSITIVE, found)
            soft = soft if batch.classes is None else soft[:, batch.classes]
            loss = binary_cross_entropy_with_logits(
                output.logits.float(), soft.float(), reduction="none"
            )
            loss = (loss * (soft > 0)).sum() / max(len(labels), 1)
            losses[name] = weight * self.over_processes(loss, batch)
        if batch.rows is not None and self.training:
            rows, added = gather_rows(batch.rows), gather_rows(found.to(torch.int8))
            self.added.note(rows, added, num_images=self._num_images)
        return losses

    @torch.no_grad()
    def _remember(
        self, class_features: Float[Tensor, "batch classes width"], labels: Labels
    ) -> None:
        """Push the feature of each class that an image is known to have."""
        classes = labels.shape[1]
        own = torch.eye(classes, device=labels.device).expand(len(labels), -1, -1)
        self.bank.update(class_features, own, labels)

    def completion(self, labels: Labels) -> Completion | None:
        """Return known labels with those that were transferred when each image was last seen."""
        return Completion(self.added.over(labels))


def transferred_scores(
    pairs: Float[Tensor, "batch classes classes"], labels: Labels
) -> Float[Tensor, "batch classes"]:
    r"""Return how surely known positives say that a class is there too.

    $$ s_{b,c} = \frac{1}{\lvert P_b \rvert} \sum_{j \in P_b} \sigma(o_{b,c,j}), \qquad
       P_b = \{j : y_{b,j} = 1\} $$

    Args:
        pairs: Logits $o$ of the pairs of classes.
        labels: Known labels $y$ in {-1, 0, +1}.

    Returns:
        Scores in [0, 1], 0 for an image without known positives.

    Examples:
        >>> pairs = torch.zeros(1, 3, 3)
        >>> transferred_scores(pairs, torch.tensor([[1, 0, 0]]))
        tensor([[0.5000, 0.5000, 0.5000]])
    """
    there = (labels == POSITIVE).to(pairs.dtype)
    total = (pairs.sigmoid() @ there[..., None]).squeeze(-1)
    return total / there.sum(dim=1, keepdim=True).clamp_min(1)


def pair_labels(labels: Labels) -> Labels:
    """Return for each pair of classes whether an image has both: 0 where that is not known.

    Args:
        labels: Known labels in {-1, 0, +1}, [batch classes].

    Returns:
        Those of the pairs above the diagonal, [batch pairs].

    Examples:
        >>> pair_labels(torch.tensor([[1, 1, 0], [1, -1, 0]]))
        tensor([[ 1,  0,  0],
                [-1,  0, -1]])
    """
    one, other = labels[:, :, None], labels[:, None]
    both = ((one == POSITIVE) & (other == POSITIVE)).to(labels.dtype)
    either_not = ((one == NEGATIVE) | (other == NEGATIVE)).to(labels.dtype)
    rows, columns = torch.triu_indices(*2 * labels.shape[1:], offset=1, device=labels.device)
    return (both - either_not)[:, rows, columns]


def pair_loss(pairs: Float[Tensor, "batch classes classes"], labels: Labels) -> Float[Tensor, ""]:
    """Return the asymmetric loss of the known pairs, over the number of all pairs."""
    rows, columns = torch.triu_indices(*2 * labels.shape[1:], offset=1, device=labels.device)
    loss = asymmetric_loss(pairs[:, rows, columns], pair_labels(labels))
    return loss / max(len(rows), 1)
