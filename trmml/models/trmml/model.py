"""The reference model: text-region matching assembled from the parts."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from trmml.atomic_write import write_atomically
from trmml.encoders.load import load_encoders
from trmml.encoders.protocol import EncoderPair, EncoderSource
from trmml.models.hub import HubModel, find_model
from trmml.models.saved_model import (
    check_encoders,
    read_saved_model,
    write_saved_model,
)
from trmml.models.trmml.config import TRMMLConfig
from trmml.models.trmml.text_region_learner import TextRegionLearner
from trmml.modules import ClassNames

__all__ = ["TRMML"]

TRAINING_ONLY = ("prototypes.", "contrastive_loss.")


class TRMML(TextRegionLearner, HubModel):
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
        super().__init__(
            encoders,
            class_names,
            config=config or TRMMLConfig(),
            image_size=image_size,
            generator=generator,
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

    def save_pretrained(  # pyright: ignore[reportIncompatibleMethodOverride] - ours is older
        self,
        directory: str | Path,
        *,
        training_state: bool = False,
        model_card_kwargs: dict[str, Any] | None = None,
        config: None = None,  # noqa: ARG002 - of the mixin's call, for models without their own
    ) -> None:
        """Write what was learnt: `model.safetensors` and `config.json`.

        The frozen towers are not written, only their names and fingerprints of their weights.

        Args:
            directory: Folder to write into; made if absent, existing files replaced.
            training_state: Whether to keep what only training needs as well: bank, thresholds,
                text prototypes, stage, and the contrastive projections.
            model_card_kwargs: Arguments of `generate_model_card`, to write its README.md as well;
                None writes none.
            config: Nothing; `push_to_hub` passes it.
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
            decision_thresholds=self.decision_thresholds,
        )
        if model_card_kwargs is not None:
            card = self.generate_model_card(**model_card_kwargs)
            write_atomically(Path(directory) / "README.md", str(card))

    @classmethod
    def from_pretrained(  # pyright: ignore[reportIncompatibleMethodOverride] - ours is older
        cls,
        directory: str | Path,
        *,
        encoders: EncoderPair | None = None,
        **hub: Any,  # noqa: ANN401 - `find_model` names them
    ) -> "TRMML":
        """Load what `save_pretrained` or `push_to_hub` wrote, in eval mode.

        Args:
            directory: Folder with `model.safetensors` and `config.json`; or, where there is no such
                folder, a repository on the Hugging Face Hub such as "user/name".
            encoders: Towers to use; None loads those named in the folder, which cannot be done
                for a pair made by hand.
            **hub: For a repository: `revision`, `token`, `cache_dir`, `local_files_only`,
                `force_download`.

        Raises:
            FileNotFoundError: If a file, the repository or the revision is missing.
            ValueError: If a file is damaged, or the towers' weights are not those trained with.
            ConnectionError: If the Hub refuses.
        """
        card, state = read_saved_model(find_model(directory, **hub))
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
        model.decision_thresholds = card.get("decision_thresholds")
        return model.eval()

    def load_region_decoder(self, directory: str | Path) -> None:
        """Take over the region decoder of another saved model (Table 4 of the paper).

        Raises:
            FileNotFoundError: If a file is missing.
            ValueError: If this or the saved model has no regions, or class names or towers differ.
        """
        card, state = read_saved_model(Path(directory))
        check_encoders(card, self.encoders)
        if card["class_names"] != self.class_names:
            raise ValueError(
                "`directory` must hold a model of the same classes in the same order, got "
                f"{card['class_names']} where this model has {self.class_names}."
            )
        saved = TRMMLConfig.from_dict(card["config"])
        here = (self.config.aggregation, self.config.energy)
        if self.decoder is None or (saved.aggregation, saved.energy) != here:
            raise ValueError(
                "`directory` and this model must have regions of the same energy, got "
                f"{(saved.aggregation, saved.energy)} for {here}."
            )
        prefix = "decoder."
        self.decoder.load_state_dict(
            {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
        )
