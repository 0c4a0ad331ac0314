"""SARB: what one image is known to show is blended into another that might show it."""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from trmml.distributed import gather_rows
from trmml.functional import class_contrast, kmeans
from trmml.functional.cell_numbers import cell_numbers
from trmml.functional.checks import check_at_least, check_labels_on_cpu
from trmml.labels import POSITIVE, UNKNOWN, Labels, known_mask
from trmml.models.batch import Batch
from trmml.models.semantic_graph_model import (
    SemanticGraphConfig,
    SemanticGraphModel,
    SemanticGraphTask,
)
from trmml.modules import PrototypeMemoryBank

__all__ = ["SARB", "SARBConfig", "SARBTask"]

HALF = 0.5


@dataclass(frozen=True, kw_only=True)
class SARBConfig(SemanticGraphConfig):
    """Settings of `SARB`; see also `SemanticGraphConfig`.

    Attributes:
        blend_epoch: Epoch, from 0, from which on features are blended.
        bank_capacity: Images of each class that prototypes are made of; ours.
        num_prototypes: Prototypes of each class.
        prototype_epochs: After how many epochs prototypes are made anew.
        contrast_weight: Of the contrast of features.
    """

    method: Literal["sarb"] = "sarb"
    blend_epoch: int = 5
    bank_capacity: int = 100
    num_prototypes: int = 10
    prototype_epochs: int = 5
    contrast_weight: float = 0.05

    def __post_init__(self) -> None:
        """Refuse numbers outside their range.

        Raises:
            ValueError: If a count is below 1, or a weight below 0.
        """
        super().__post_init__()
        check_at_least(self, 1, "bank_capacity", "num_prototypes", "prototype_epochs")
        check_at_least(self, 0, "blend_epoch", "contrast_weight")


class SARB(SemanticGraphModel):
    """Predict as `SSGRL` does; what is new is in training, see `SARBTask`.

    Source: [SARB](https://arxiv.org/abs/2203.02172) (Pu et al., AAAI 2022).
    Differs from the paper: on the features of a frozen tower, where it trains a ResNet's last
    stage; the text tower's features of the names take the place of GloVe's vectors, unless a file
    of these is given; losses are divided by the number of images, not of known labels.
    """

    Config = SARBConfig
    config: SARBConfig
    credit = "[SARB](https://arxiv.org/abs/2203.02172) (Pu et al., AAAI 2022)"
    learns = "as SSGRL, and how much is blended"


class SARBTask(SemanticGraphTask):
    r"""Train `SARB`: by known labels, and by features that are blended where labels are unknown.

    $$ f'_{a,c} = \alpha f_{a,c} + (1 - \alpha) f_{b,c}, \quad y'_{a,c} = 1 - \alpha
       \qquad \text{if}\ y_{a,c} = 0,\ y_{b,c} = 1 $$

    | symbol | in code | meaning |
    |---|---|---|
    | $f_{a,c}$ | `class_features` | feature of class c in image a |
    | b | `flip(0)` | the image as far from the end of the batch as a is from its beginning |
    | $\alpha, \beta$ | `shares` | learnt, kept in [0, 1] |

    The same once more with a prototype of the class in the place of the other image's feature, for
    one unknown class of each image, and with $\beta$.

    Differs from the paper: prototypes are those of the latest images that are known to have the
    class, where all training images are clustered; the contrast joins with the second epoch.

    Args:
        model: To train.
    """

    Model = SARB
    model: SARB
    prototypes: Float[Tensor, "classes means width"]
    prototype_counts: Int[Tensor, " classes"]
    made_in: Int[Tensor, ""]
    epoch: Int[Tensor, ""]

    def __init__(self, model: SARB) -> None:
        """Start with nothing remembered."""
        super().__init__(model)
        config, classes = model.config, len(model.class_names)
        self.bank = PrototypeMemoryBank(
            classes,
            config.width,
            capacity=config.bank_capacity,
            top_k=1,
            gather_distributed=True,
        )
        prototypes = torch.zeros(classes, config.num_prototypes, config.width)
        self.register_buffer("prototypes", prototypes)
        self.register_buffer("prototype_counts", torch.zeros(classes, dtype=torch.long))
        self.register_buffer("made_in", torch.tensor(-1))
        self.shares = nn.Parameter(torch.full((2,), HALF))
        # A tensor, as a step would be compiled anew for each other number.
        self.register_buffer("epoch", torch.tensor(0), persistent=False)
        self.blends = self.contrasts = False

    def begin_epoch(self, epoch: int, *, epochs: int) -> None:
        """Make the prototypes anew when it is time, and not again if the epoch is resumed."""
        super().begin_epoch(epoch, epochs=epochs)
        config = self.model.config
        self.epoch.fill_(epoch)
        self.blends, self.contrasts = epoch >= config.blend_epoch, epoch >= 1
        due = self.blends and (epoch - config.blend_epoch) % config.prototype_epochs == 0
        if due and int(self.made_in) != epoch:
            means, counts = kmeans(
                self.bank.prototypes, self.bank.counts, num_means=config.num_prototypes
            )
            self.prototypes.copy_(means)
            self.prototype_counts.copy_(counts)
            self.made_in.fill_(epoch)

    def forward(self, batch: Batch) -> dict[str, Float[Tensor, ""]]:
        """Return all losses, and remember the known positives of the batch."""
        check_labels_on_cpu(batch.labels)
        output, config = self.match(batch), self.model.config
        losses = {"labels": self.label_loss(output.logits, batch)}
        # Blended are images of the whole batch, so every process has to see it.
        features, labels = gather_rows(output.class_features), gather_rows(batch.labels)
        if self.blends:
            losses |= self._blended(features, labels, batch)
        if self.contrasts:
            losses["contrast"] = config.contrast_weight * class_contrast(features, labels)
        if self.training:
            own = torch.eye(labels.shape[1], device=labels.device)
            own = own.expand(len(batch.labels), -1, -1)
            self.bank.update(output.class_features.detach(), own, batch.labels)
        # What is learnt has a gradient in every step, also before features are blended.
        total = torch.stack([*losses.values()]).sum() + 0 * self.shares.sum()
        return losses | {"total": total}

    def _blended(
        self,
        features: Float[Tensor, "batch classes width"],
        labels: Labels,
        batch: Batch,
    ) -> dict[str, Float[Tensor, ""]]:
        """Return the losses of both ways to blend."""
        of_images, of_prototypes = self.shares.clamp(0, 1)
        other, there = features.flip(0), labels.flip(0) == POSITIVE
        taken, which = self._drawn(labels, batch)
        prototypes = self.prototypes[torch.arange(labels.shape[1], device=labels.device), which]
        return {
            "images": self._blend(features, other, (labels == UNKNOWN) & there, labels, of_images),
            "prototypes": self._blend(features, prototypes, taken, labels, of_prototypes),
        }

    def _blend(
        self,
        features: Float[Tensor, "batch classes width"],
        other: Float[Tensor, "batch classes width"],
        where: Bool[Tensor, "batch classes"],
        labels: Labels,
        share: Float[Tensor, ""],
    ) -> Float[Tensor, ""]:
        """Return the loss of features of which some are blended with others."""
        blended = share * features + (1 - share) * other
        logits = self.model.classify(torch.where(where[..., None], blended, features))
        soft = torch.where(where, 1 - share, (labels == POSITIVE).to(logits.dtype))
        loss = binary_cross_entropy_with_logits(logits.float(), soft.float(), reduction="none")
        counted = (loss * (where | known_mask(labels))).sum()
        return counted / max(len(labels), 1)

    def _drawn(
        self, labels: Labels, batch: Batch
    ) -> tuple[Bool[Tensor, "batch classes"], Int[Tensor, "batch classes"]]:
        """Draw one unknown class of each image, and a prototype of each: by image and epoch."""
        rows: Any = batch.rows
        if rows is None:
            rows = torch.arange(len(batch.labels), device=labels.device)
        rows = gather_rows(rows)
        numbers = cell_numbers(rows, labels.shape[1], seed=2 * self.epoch)
        possible = (labels == UNKNOWN) & (self.prototype_counts > 0)
        best = numbers.masked_fill(~possible, -1).argmax(dim=1, keepdim=True)
        chosen = torch.zeros_like(possible).scatter(1, best, possible.gather(1, best))
        again = cell_numbers(rows, labels.shape[1], seed=2 * self.epoch + 1)
        return chosen, (again * self.prototype_counts).long()
