"""The learning half of TRM-ML: labels completed by prototypes, and the losses."""

import torch

from trmml.distributed import mean_over_processes, world_size
from trmml.encoders.protocol import EncoderPair
from trmml.labels import NEGATIVE, UNKNOWN, Labels, check_labels
from trmml.losses import AsymmetricLoss, MultimodalInfoNCE, RegionDistillation
from trmml.models.random_start import drawing_from
from trmml.models.trmml.config import TRMMLConfig
from trmml.models.trmml.multimodal_prototypes import MultimodalPrototypes
from trmml.models.trmml.outputs import TRMMLLosses, TRMMLOutput
from trmml.models.trmml.text_region_matcher import TextRegionMatcher
from trmml.modules import ClassNames

__all__ = ["TextRegionLearner"]


class TextRegionLearner(TextRegionMatcher):
    """Learn the match of text and regions from few labels.

    Adds to `TextRegionMatcher` what only training needs: the losses, the prototypes and the two
    stages. `TRMML` adds to this where models come from and where they are kept.

    With several processes, in training mode, bank, thresholds and every loss are those of the
    whole batch, and `DistributedDataParallel` gives its gradients; see `trmml.distributed`. Each
    process then has to call `loss` in every step, be its part of the batch empty. In eval mode no
    process waits for another.

    Differs from the paper: see each part.

    Args:
        encoders: Frozen image and text tower; held, but neither trained nor saved.
        class_names: One name per class, or several synonyms for a class.
        config: Ingredients and hyper-parameters.
        image_size: Side in pixels of the photographs that `preprocess` prepares (paper: 448).
        generator: Source of the random start of whatever learns.
    """

    def __init__(
        self,
        encoders: EncoderPair,
        class_names: ClassNames,
        *,
        config: TRMMLConfig,
        image_size: int = 448,
        generator: torch.Generator | None = None,
    ) -> None:
        """Assemble the parts that `config` asks for."""
        super().__init__(
            encoders, class_names, config=config, image_size=image_size, generator=generator
        )
        self.classification_loss = AsymmetricLoss(
            gamma_pos=config.gamma_pos, gamma_neg=config.gamma_neg, margin=config.margin
        )
        self.distillation_loss = RegionDistillation() if config.distillation else None
        self.contrastive_loss = None
        self.prototypes = None
        num_classes, dim = self.prompts.num_classes, encoders.image.dim
        if config.contrastive:
            with drawing_from(generator):
                self.contrastive_loss = MultimodalInfoNCE(
                    dim, temperature=config.contrastive_temperature, gather_distributed=True
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

    @torch.no_grad()
    def begin_second_stage(self) -> None:
        """Keep the text features as prototypes; from now on missing labels are completed."""
        if self.prototypes is not None:
            self.prototypes.begin_second_stage(self.prompts()[0])

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
        if self.prototypes is None or output.region_features is None:
            return labels
        return self.prototypes.complete(
            output.region_features, output.positive, labels, classes=output.classes
        )

    def loss(self, output: TRMMLOutput, labels: Labels) -> TRMMLLosses:
        """Compute the terms of Eq. (15) and, in training mode, learn prototypes and thresholds.

        Args:
            output: What `forward` or `match` returned in training mode. If it is of some classes
                only, the losses are those of a model of these classes, and the prototypes and
                thresholds of the others stay.
            labels: Known labels of all classes in {-1, 0, +1}.

        Raises:
            ValueError: If the shapes disagree, a label is not -1, 0 or +1, or `output` has regions
                but was made in eval mode.
        """
        expected = (len(output.logits), self.prompts.num_classes)
        if labels.shape != expected:
            raise ValueError(
                f"`labels` must have a row for each image and a column for each class, {expected}, "
                f"got {tuple(labels.shape)}."
            )
        check_labels(labels)
        if self.decoder is not None and output.query_logits is None:
            raise ValueError("`output` must come from training mode; call `model.train()` first.")
        labels = labels if output.classes is None else labels[:, output.classes]
        if self.training and self.prototypes is not None and output.region_features is not None:
            known = (output.region_features, output.positive, labels)
            self.prototypes.observe(output.features, output.energy, *known, classes=output.classes)
        completed = self._complete(output, labels)
        if self.config.unknown_as_negative:
            completed = completed.masked_fill(completed == UNKNOWN, NEGATIVE)

        region = self.classification_loss(output.logits, completed)
        query = distillation = contrastive = torch.zeros_like(region)
        if output.query_logits is not None:
            query = self.classification_loss(output.query_logits, completed)
            if self.distillation_loss is not None:
                distillation = self.distillation_loss(output.logits, output.query_logits)
        if self.training and world_size() > 1:
            means = torch.stack([region, query, distillation])
            region, query, distillation = mean_over_processes(means, rows=len(labels)).unbind()
        if self.contrastive_loss is not None and self.prototypes is not None:
            contrastive = self.contrastive_loss(
                output.positive,
                output.region_features,
                labels,
                *self.prototypes.bank.stored(output.classes),
            )
        config = self.config
        total = (
            query
            + config.region_weight * region
            + config.distillation_weight * distillation
            + config.contrastive_weight * contrastive
        )
        return TRMMLLosses(total, region, query, distillation, contrastive)
