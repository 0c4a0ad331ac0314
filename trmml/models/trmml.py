"""The reference model: text-region matching assembled from the parts."""

from dataclasses import asdict
from pathlib import Path

import torch

from trmml.encoders.load import load_encoders
from trmml.encoders.protocol import EncoderPair, EncoderSource
from trmml.labels import NEGATIVE, UNKNOWN, Labels, check_labels
from trmml.losses import AsymmetricLoss, MultimodalInfoNCE, RegionDistillation
from trmml.models.config import TRMMLConfig
from trmml.models.multimodal_prototypes import MultimodalPrototypes
from trmml.models.outputs import TRMMLLosses, TRMMLOutput
from trmml.models.random_start import drawing_from
from trmml.models.saved_model import check_encoders, read_saved_model, write_saved_model
from trmml.models.text_region_matcher import TextRegionMatcher
from trmml.modules import ClassNames

__all__ = ["TRMML"]

TRAINING_ONLY = ("prototypes.", "contrastive_loss.")


class TRMML(TextRegionMatcher):
    r"""Recognise many labels per image from few known ones, with a frozen CLIP.

    $$ \mathcal L = \mathcal L^q_{cls} + \alpha \mathcal L^r_{cls} + \beta \mathcal L_{KD}
       + \gamma \mathcal L_{NCE} $$

    Training has two stages, an explicit and saved part of the state: a warm-up in which the
    prompts settle and the memory bank fills; then, from `begin_second_stage()` on, missing labels
    are completed. Prediction uses the region score alone.

    Assembles Eq. (1) to (15) of TRM-ML (Ma et al., ACM Multimedia 2024) from the parts of this
    library. `config` switches every ingredient; `trmml.models.ABLATIONS` has the paper's rows.

    Differs from the paper: see each part; where the paper is silent, `TRMMLConfig` marks ours.

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

    def __init__(
        self,
        encoders: EncoderPair,
        class_names: ClassNames,
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
                    dim, temperature=config.contrastive_temperature
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

    @classmethod
    def from_open_clip(
        cls,
        name: str,
        *,
        class_names: ClassNames,
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

    @torch.no_grad()
    def begin_second_stage(self) -> None:
        """Keep the text features as prototypes; from now on missing labels are completed."""
        if self.prototypes is not None:
            self.prototypes.begin_second_stage(self.prompts()[0])

    def complete(self, output: TRMMLOutput, labels: Labels) -> Labels:
        """Return the labels as the losses see them: missing ones completed in the second stage.

        Known labels stay as they are, and so does the model's state.
        """
        if self.prototypes is None or output.region_features is None:
            return labels
        return self.prototypes.complete(output.region_features, output.positive, labels)

    def loss(self, output: TRMMLOutput, labels: Labels) -> TRMMLLosses:
        """Compute the terms of Eq. (15) and, in training mode, learn prototypes and thresholds.

        Args:
            output: What `forward` or `match` returned in training mode.
            labels: Known labels in {-1, 0, +1}.

        Raises:
            ValueError: If the shapes disagree, a label is not -1, 0 or +1, or `output` has regions
                but was made in eval mode.
        """
        if labels.shape != output.logits.shape:
            raise ValueError(
                f"`labels` must have the logits' shape {tuple(output.logits.shape)}, got "
                f"{tuple(labels.shape)}."
            )
        check_labels(labels)
        if self.decoder is not None and output.query_logits is None:
            raise ValueError("`output` must come from training mode; call `model.train()` first.")
        if self.training and self.prototypes is not None and output.region_features is not None:
            known = (output.region_features, output.positive, labels)
            self.prototypes.observe(output.features, output.energy, *known)
        completed = self.complete(output, labels)
        if self.config.unknown_as_negative:
            completed = completed.masked_fill(completed == UNKNOWN, NEGATIVE)

        config, zero = self.config, output.logits.new_zeros(())
        region = self.classification_loss(output.logits, completed)
        query = distillation = contrastive = zero
        if output.query_logits is not None:
            query = self.classification_loss(output.query_logits, completed)
            if self.distillation_loss is not None:
                distillation = self.distillation_loss(output.logits, output.query_logits)
        if self.contrastive_loss is not None and self.prototypes is not None:
            bank = self.prototypes.bank
            contrastive = self.contrastive_loss(
                output.positive, output.region_features, labels, bank.prototypes, bank.counts
            )
        total = (
            query
            + config.region_weight * region
            + config.distillation_weight * distillation
            + config.contrastive_weight * contrastive
        )
        return TRMMLLosses(total, region, query, distillation, contrastive)

    def save_pretrained(self, directory: str | Path, *, training_state: bool = False) -> None:
        """Write what was learnt: `model.safetensors` and `config.json`.

        The frozen towers are not written, only their names and fingerprints of their weights.

        Args:
            directory: Folder to write into; made if absent, existing files replaced.
            training_state: Whether to keep what only training needs as well: bank, thresholds,
                text prototypes, stage, and the contrastive projections.
        """
        state = {
            name: value
            for name, value in self.state_dict().items()
            if training_state or not name.startswith(TRAINING_ONLY)
        }
        write_saved_model(
            Path(directory),
            state,
            self.encoders,
            class_names=self.class_names,
            image_size=self.image_size,
            config=asdict(self.config),
            training_state=training_state,
        )

    @classmethod
    def from_pretrained(
        cls, directory: str | Path, *, encoders: EncoderPair | None = None
    ) -> "TRMML":
        """Load what `save_pretrained` wrote, in eval mode.

        Args:
            directory: Folder with `model.safetensors` and `config.json`.
            encoders: Towers to use; None loads those named in the folder, which cannot be done
                for a pair made by hand.

        Raises:
            FileNotFoundError: If a file is missing.
            ValueError: If a file is damaged, or the towers' weights are not those trained with.
        """
        card, state = read_saved_model(Path(directory))
        if encoders is None:
            source = EncoderSource(**card["encoders"])
            encoders = load_encoders(source, image_size=card["image_size"])
        check_encoders(card, encoders)
        config = TRMMLConfig.from_dict(card["config"])
        model = cls(encoders, card["class_names"], config=config, image_size=card["image_size"])
        if not card["training_state"]:
            fresh = {k: v for k, v in model.state_dict().items() if k.startswith(TRAINING_ONLY)}
            state = fresh | state
        model.load_state_dict(state)
        return model.eval()
