"""The second half of training: prototypes of two modalities complete missing labels."""

from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from trmml.functional import text_similarity
from trmml.labels import Labels
from trmml.modules import AdaptiveThresholdPseudoLabeler, PrototypeMemoryBank
from trmml.typed_module import TypedModule

__all__ = ["MultimodalPrototypes"]


class MultimodalPrototypes(TypedModule):
    """Keep visual and text prototypes, and complete the labels on which they agree.

    The state of the two training stages lives here and is saved: in the first stage the bank and
    the thresholds fill; `begin_second_stage` keeps the text features as prototypes, and from then
    on `complete` fills missing labels. Section 3.4 of TRM-ML (Ma et al., ACM Multimedia 2024).

    Differs from the paper: thresholds are tracked from the first step, so that they are settled
    when the second stage begins; similarities are taken before the batch enters the bank, so that
    a known positive is not compared with its own pixels.

    Args:
        num_classes: Number of categories.
        dim: Size of the joint space.
        modalities: Whose similarities must agree; "none" only keeps the bank.
        capacity: Prototypes kept per category.
        top_k: Positions remembered per known positive.
        momentum: How slowly the thresholds follow.
        negatives_from: Whether "known" or "unknown" labels set the negative thresholds.
        live_text: Whether text prototypes follow the prompts in the second stage.
    """

    stage: Int[Tensor, ""]
    text_prototypes: Float[Tensor, "classes dim"]

    def __init__(
        self,
        num_classes: int,
        dim: int,
        *,
        modalities: Literal["both", "visual", "text", "none"] = "both",
        capacity: int = 32,
        top_k: int = 2,
        momentum: float = 0.9,
        negatives_from: Literal["known", "unknown"] = "known",
        live_text: bool = False,
    ) -> None:
        """Start in the first stage, with nothing seen."""
        super().__init__()
        self.modalities, self.live_text = modalities, live_text
        self.bank = PrototypeMemoryBank(
            num_classes, dim, capacity=capacity, top_k=top_k, gather_distributed=True
        )
        self.labeler = AdaptiveThresholdPseudoLabeler(
            num_classes,
            num_modalities=2 if modalities == "both" else 1,
            momentum=momentum,
            negatives_from=negatives_from,
            gather_distributed=True,
        )
        self.register_buffer("stage", torch.tensor(1))
        self._in_second_stage = False  # as `stage` says, for which one would wait
        self.register_load_state_dict_post_hook(_read_stage)
        self.register_buffer("text_prototypes", torch.zeros(num_classes, dim))

    @torch.no_grad()
    def begin_second_stage(self, text_features: Float[Tensor, "classes dim"]) -> None:
        """Keep these text features as prototypes, and complete labels from now on.

        Raises:
            RuntimeError: If the second stage has begun before.
        """
        if self.in_second_stage:
            raise RuntimeError("The second stage has begun already; its prototypes stay as set.")
        self.text_prototypes.copy_(text_features)
        self.stage.fill_(2)
        self._in_second_stage = True

    @property
    def in_second_stage(self) -> bool:
        """Whether labels are completed."""
        return self._in_second_stage

    @torch.no_grad()
    def observe(
        self,
        features: Float[Tensor, "batch positions dim"],
        energy: Float[Tensor, "batch classes positions"],
        region_features: Float[Tensor, "batch classes dim"],
        text_features: Float[Tensor, "classes dim"],
        labels: Labels,
        *,
        classes: Int[Tensor, " sampled"] | None = None,
        most_positives: int | None = None,
    ) -> None:
        """Learn from a batch's known labels: first the thresholds, then the bank.

        Args:
            features: Dense image features.
            energy: Region logits.
            region_features: One feature per image and category.
            text_features: Positive text features.
            labels: Known labels in {-1, 0, +1}.
            classes: Categories that all these are of, each once; None for all.
            most_positives: Known positives that no image has more of, see `PrototypeMemoryBank`.
        """
        if self.modalities != "none":
            similarities = self._similarities(region_features, text_features, classes)
            self.labeler.update(similarities, labels, classes=classes)
        self.bank.update(features, energy, labels, classes=classes, most_positives=most_positives)

    @torch.no_grad()
    def complete(
        self,
        region_features: Float[Tensor, "batch classes dim"],
        text_features: Float[Tensor, "classes dim"],
        labels: Labels,
        *,
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> Labels:
        """Return `labels` with missing ones filled; unchanged in the first stage.

        Args:
            region_features: One feature per image and category.
            text_features: Positive text features.
            labels: Known labels in {-1, 0, +1}.
            classes: Categories that all these are of; None for all.
        """
        if not self.in_second_stage or self.modalities == "none":
            return labels
        similarities = self._similarities(region_features, text_features, classes)
        return self.labeler(similarities, labels, classes=classes)

    def _similarities(
        self,
        region_features: Float[Tensor, "batch classes dim"],
        text_features: Float[Tensor, "classes dim"],
        classes: Int[Tensor, " sampled"] | None,
    ) -> Float[Tensor, "modalities batch classes"]:
        rows = []
        if self.modalities in ("both", "visual"):
            rows.append(self.bank.similarity(region_features, classes=classes))
        if self.modalities in ("both", "text"):
            kept = self.text_prototypes if classes is None else self.text_prototypes[classes]
            text = text_features if self.live_text or not self.in_second_stage else kept
            rows.append(text_similarity(region_features, text))
        return torch.stack(rows)

    def extra_repr(self) -> str:
        """Show the options in the printed module."""
        return f"modalities={self.modalities!r}, live_text={self.live_text}"


def _read_stage(prototypes: MultimodalPrototypes, _: object) -> None:
    prototypes._in_second_stage = bool(prototypes.stage == 2)
