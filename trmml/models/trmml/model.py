"""The reference model: text-region matching assembled from the parts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor

from trmml.class_names import NameOrSynonyms
from trmml.distributed import mean_over_processes, world_size
from trmml.encoders.protocol import EncoderPair
from trmml.functional import text_similarity
from trmml.functional.checks import check_labels_on_cpu
from trmml.labels import NEGATIVE, UNKNOWN, Labels
from trmml.losses import MultimodalInfoNCE, RegionDistillation
from trmml.losses.label_loss import LabelLoss
from trmml.models.random_start import drawing_from
from trmml.models.trmml.config import TRMMLConfig
from trmml.models.trmml.multimodal_prototypes import MultimodalPrototypes
from trmml.models.trmml.outputs import TRMMLLosses, TRMMLOutput
from trmml.models.trmml.region_decoder import take_region_decoder
from trmml.models.trmml.text_region_matcher import TextRegionMatcher
from trmml.models.zero_shot import dense_zero_shot_scores, zero_shot_text_features
from trmml.modules import CalibratedPseudoLabeler

__all__ = ["TRMML"]


class TRMML(TextRegionMatcher):
    r"""Recognise many labels per image from few known ones, with a frozen CLIP.

    $$ \mathcal L = \mathcal L^q_{cls} + \alpha \mathcal L^r_{cls} + \beta \mathcal L_{KD}
       + \gamma \mathcal L_{NCE} $$

    Training has two stages, an explicit and saved part of the state: a first one in which the
    prompts settle and the memory bank fills; then, from `begin_second_stage()` on, missing labels
    are completed. Prediction uses the region score alone.

    Assembles Eq. (1) to (15) of TRM-ML (Ma et al., ACM Multimedia 2024) from the parts of this
    library. `config` switches every ingredient; `trmml.models.ABLATIONS` has the paper's rows.

    Differs from the paper: see each part. The text prototypes and the anchors of Eq. (13) are the
    positive texts alone, and Eq. (13) sees the bank with the batch in it. Where the paper is
    silent, `TRMMLConfig` marks ours.

    Args:
        encoders: Frozen image and text tower; held, but neither trained nor saved.
        class_names: One name per class, or several synonyms for a class.
        config: Ingredients and hyper-parameters; None is the whole method.
        image_size: Side in pixels of the photographs that `preprocess` prepares (paper: 448).
        generator: Source of the random start of whatever learns.

    Examples:
        >>> from trmml.encoders import load_tiny
        >>> model = TRMML(load_tiny(), ["tree", "boat"], image_size=64)
        >>> output = model(torch.randn(3, 3, 64, 64))
        >>> losses = model.loss(output, torch.tensor([[1, -1], [0, 1], [0, 0]]))
        >>> losses.total.backward()
        >>> model.eval().predict(torch.randn(3, 3, 64, 64)).shape
        torch.Size([3, 2])
    """

    training_only = (
        "prototypes.",
        "contrastive_loss.",
        "labeler.",
        "zero_shot_texts",
    )
    zero_shot_texts: Float[Tensor, "classes dim"]
    classification_loss: LabelLoss

    def __init__(
        self,
        encoders: EncoderPair,
        class_names: Sequence[NameOrSynonyms],
        *,
        config: TRMMLConfig | None = None,
        image_size: int = 448,
        generator: torch.Generator | None = None,
    ) -> None:
        """Assemble the parts that `config` asks for."""
        config = config or TRMMLConfig()
        super().__init__(
            encoders, class_names, config=config, image_size=image_size, generator=generator
        )
        # The task owns it: what a loss remembers of the images is of one training, not the model's.
        self.hold("classification_loss", config.loss.build())
        self.distillation_loss = None
        if config.distillation:
            self.distillation_loss = RegionDistillation(form=config.distillation_form)
        self.contrastive_loss = None
        self.prototypes = None
        num_classes, dim = self.prompts.num_classes, encoders.image.dim
        if config.contrastive:
            with drawing_from(generator):
                self.contrastive_loss = MultimodalInfoNCE(
                    dim,
                    temperature=config.contrastive_temperature,
                    gather_distributed=True,
                    num_sampled=config.contrastive_sample,
                )
        if config.contrastive or config.prototypes != "none":
            self.prototypes = MultimodalPrototypes(
                num_classes,
                dim,
                modalities=config.prototypes,
                capacity=config.bank_capacity,
                top_k=config.bank_top_k,
                momentum=config.threshold_momentum,
                negatives_from="unknown" if config.unknown_as_negative else "known",
                live_text=config.live_text_prototypes,
            )

        self.labeler = None
        if config.completion in ("calibrated", "ranked"):
            kinds = 4 if self.prototypes is not None else 2
            self.labeler = CalibratedPseudoLabeler(num_classes, num_evidence=kinds)
            texts = zero_shot_text_features(encoders.text, class_names)
            self.register_buffer("zero_shot_texts", texts)

    @classmethod
    def from_open_clip(
        cls,
        name: str,
        *,
        class_names: Sequence[NameOrSynonyms],
        pretrained: str | Path | None = None,
        image_size: int = 448,
        config: TRMMLConfig | None = None,
        generator: torch.Generator | None = None,
    ) -> "TRMML":
        """Build on an open_clip model.

        Args:
            name: Architecture, such as "RN101" (the paper's) or "ViT-B-16".
            class_names: One name per class, or several synonyms for a class.
            pretrained: A tag of open_clip such as "openai", the path of a checkpoint, or None for
                random weights.
            image_size: Side in pixels of the prepared photographs (paper: 448).
            config: Ingredients and hyper-parameters; None is the whole method.
            generator: Source of the random start of whatever learns.

        Raises:
            ValueError: If the name or the tag is unknown, or the checkpoint is of another model.
        """
        from trmml.encoders.open_clip import load_open_clip

        encoders = load_open_clip(name, pretrained=pretrained, image_size=image_size)
        return cls(encoders, class_names, config=config, image_size=image_size, generator=generator)

    def train(self, mode: bool = True) -> Any:  # noqa: ANN401 - as in `nn.Module`
        """Set the mode, also of the loss, which is held: in eval mode it waits for no process."""
        self.classification_loss.train(mode)
        return super().train(mode)

    @torch.no_grad()
    def begin_second_stage(self) -> None:
        """Keep the text features as prototypes; from now on missing labels are completed."""
        if self.prototypes is not None:
            self.prototypes.begin_second_stage(self.prompts()[0])

    @property
    def completes_labels(self) -> bool:
        """Whether there is something to complete labels by, as in the second stage."""
        if self.labeler is not None:
            return self.labeler.is_fitted
        prototypes = self.prototypes
        if prototypes is None or prototypes.modalities == "none" or not self._by_thresholds:
            return False
        return prototypes.in_second_stage

    @property
    def _by_thresholds(self) -> bool:
        return self.config.completion == "paper"

    @torch.no_grad()
    def evidence(self, output: TRMMLOutput) -> Float[Tensor, "kinds batch classes"]:
        """Return what speaks for each label, as the calibrated completion weighs it.

        Training fits a labeler of its own; fit `labeler` to labels that were never trained on.

        The score, the zero-shot score of the frozen towers and, where there are prototypes, the
        similarities of the region with the bank and with the text.

        Args:
            output: What `forward` or `match` returned.

        Raises:
            ValueError: If `config.completion` is neither "calibrated" nor "ranked".
        """
        if self.labeler is None:
            raise ValueError('`evidence` needs `config.completion` = "calibrated" or "ranked".')
        classes, score = output.classes, output.logits
        if self.stack is not None:  # whose prediction is no evidence of the score alone
            score = self.match(output.features, output.grid, classes=classes).logits
        texts = self.zero_shot_texts if classes is None else self.zero_shot_texts[classes]
        found = [score, dense_zero_shot_scores(output.features, texts)]
        if self.prototypes is not None and output.region_features is not None:
            bank = self.prototypes.bank.similarity(output.region_features, classes=classes)
            # A class without prototypes has no similarity with them: the same for all its images.
            bank = bank.masked_fill(bank.isnan(), 0)
            found += [bank, text_similarity(output.region_features, output.positive)]
        return torch.stack([one.to(output.logits.dtype) for one in found])

    def complete(self, output: TRMMLOutput, labels: Labels) -> Labels:
        """Return the labels as the losses see them: missing ones completed in the second stage.

        Known labels stay as they are, as do those of classes that `output` has no score of, and so
        does the model's state.

        Args:
            output: What `forward` or `match` returned.
            labels: Known labels of all classes in {-1, 0, +1}.
        """
        if output.classes is None:
            return self._complete(output, labels)
        completed = labels.clone()
        completed[:, output.classes] = self._complete(output, labels[:, output.classes])
        return completed

    def _complete(self, output: TRMMLOutput, labels: Labels) -> Labels:
        """Complete the labels of the classes in `output`."""
        if self.labeler is not None:
            if not self.labeler.is_fitted:
                return labels
            config = self.config
            return self.labeler(
                self.evidence(output),
                labels,
                present=config.present_precision,
                absent=config.absent_precision,
                classes=output.classes,
            )
        if self.prototypes is None or output.region_features is None or not self._by_thresholds:
            return labels
        return self.prototypes.complete(
            output.region_features, output.positive, labels, classes=output.classes
        )

    def loss(
        self,
        output: TRMMLOutput,
        labels: Labels,
        *,
        completed: Labels | None = None,
        rows: Int[Tensor, " batch"] | None = None,
        most_positives: int | None = None,
    ) -> TRMMLLosses:
        """Compute the terms of Eq. (15) and, in training mode, learn prototypes and thresholds.

        Args:
            output: What `forward` or `match` returned in training mode. If it is of some classes
                only, the losses are those of a model of these classes, and the prototypes and
                thresholds of the others stay.
            labels: Known labels of all classes in {-1, 0, +1}.
            completed: The same with missing ones completed, as the classification losses see
                them; None completes them here, by the thresholds of the prototypes.
            rows: Which of all training images these are, for a loss that remembers them.
            most_positives: Known positives that no image has more of, see `PrototypeMemoryBank`.

        Raises:
            ValueError: If the shapes disagree, `output` has regions but was made in eval mode, or,
                eagerly on the CPU, a label is not -1, 0 or +1.
        """
        expected = (len(output.logits), self.prompts.num_classes)
        for argument, value in {"labels": labels, "completed": completed}.items():
            if value is None:
                continue
            if value.shape != expected:
                raise ValueError(
                    f"`{argument}` must have a row for each image and a column for each class, "
                    f"{expected}, got {tuple(value.shape)}."
                )
            check_labels_on_cpu(value)
        if self.decoder is not None and output.query_logits is None:
            raise ValueError("`output` must come from training mode; call `model.train()` first.")
        if output.classes is not None:
            labels = labels[:, output.classes]
            completed = None if completed is None else completed[:, output.classes]
        if self.training and self.prototypes is not None and output.region_features is not None:
            # An image whose scores are no numbers teaches nothing that would outlast its step.
            sound = output.logits.isfinite().all(dim=1, keepdim=True)
            taught = labels.masked_fill(~sound, UNKNOWN)
            known = (output.region_features, output.positive, taught)
            chosen = {"classes": output.classes, "most_positives": most_positives}
            self.prototypes.observe(output.features, output.energy, *known, **chosen)
        weight = self.config.completed_weight
        if completed is None:
            completed, weight = self._complete(output, labels), 1.0
        if self.config.unknown_as_negative and not self.classification_loss.uses_unknown:
            completed = completed.masked_fill(completed == UNKNOWN, NEGATIVE)

        region = self._classification(output.logits, labels, completed, weight, rows)
        query = distillation = contrastive = torch.zeros_like(region)
        if output.query_logits is not None:
            query = self._classification(output.query_logits, labels, completed, weight, rows)
            if self.distillation_loss is not None:
                distillation = self.distillation_loss(output.logits, output.query_logits)
        if self.training and world_size() > 1:
            means = torch.stack([region, query, distillation])
            region, query, distillation = mean_over_processes(means, rows=len(labels)).unbind()
        if self.contrastive_loss is not None and self.prototypes is not None:
            contrastive = self.contrastive_loss(
                cast(Tensor, output.region_features),  # prototypes are of regions
                output.positive,
                labels,
                *self.prototypes.bank.stored(output.classes),
                most_positives=most_positives,
            )
        config = self.config
        total = (
            query
            + config.region_weight * region
            + config.distillation_weight * distillation
            + config.contrastive_weight * contrastive
        )
        return TRMMLLosses(total, region, query, distillation, contrastive)

    def _classification(
        self,
        logits: Float[Tensor, "batch classes"],
        labels: Labels,
        completed: Labels,
        weight: float,
        rows: Int[Tensor, " batch"] | None,
    ) -> Float[Tensor, ""]:
        """Let added labels count less than known ones."""
        loss = self.classification_loss.of_images(logits, completed, rows)
        if weight == 1:
            return loss
        plain = self.classification_loss.of_images(logits, labels, rows)
        return weight * loss + (1 - weight) * plain

    def for_prediction(self, kept: dict[int, Any]) -> Any:  # noqa: ANN401
        """Return a copy that can only predict, its text features fixed."""
        copied = super().for_prediction(kept)
        copied.prototypes = copied.contrastive_loss = copied.labeler = None
        return copied

    def load_region_decoder(self, directory: str | Path) -> None:
        """Take over the region decoder of another saved model (Table 4 of the paper).

        Raises:
            FileNotFoundError: If a file is missing.
            ValueError: If this or the saved model has no regions, class names or towers differ, or
                a weight is not finite.
        """
        take_region_decoder(self, Path(directory))
