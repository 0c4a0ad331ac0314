"""The predicting half of TRM-ML: prompts, regions, and the match between them."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from trmml.class_names import NameOrSynonyms
from trmml.encoders.protocol import EncoderPair
from trmml.functional import dual_matching_logits, text_pixel_logits
from trmml.models.prompted_model import PromptedModel
from trmml.models.random_start import drawing_from
from trmml.models.trmml.config import MIN_TEMPERATURE, TRMMLConfig
from trmml.models.trmml.outputs import TRMMLOutput
from trmml.models.trmml.region_maps import region_maps
from trmml.models.zero_shot import zero_shot_text_features
from trmml.modules import CategoryAwareRegionDecoder, DualPromptLearner

__all__ = ["TextRegionMatcher"]

CALIBRATION_IMAGES = 256


class TextRegionMatcher(PromptedModel[TRMMLOutput]):
    """Match every category's text with its region of the image, or with what stands in for it.

    Holds all that prediction needs and nothing that only training does; `TRMML` adds the rest.

    Differs from the paper: the temperature is never below 0.01, and each category has a positive
    and a negative text, as `dual_matching_logits` says; `TRMMLConfig` marks what it leaves open.

    Args:
        encoders: Frozen image and text tower; held, but neither trained nor saved.
        class_names: One name per class, or several synonyms for a class.
        config: Ingredients and hyper-parameters.
        image_size: Side in pixels that `preprocess` resizes photographs to (paper: 448).
        generator: Source of the random start of whatever learns.

    """

    Config = TRMMLConfig
    credit = "[TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM Multimedia 2024)"
    learns = "prompts, region decoder, temperature"
    has_regions = True
    config: TRMMLConfig

    def __init__(
        self,
        encoders: EncoderPair,
        class_names: Sequence[NameOrSynonyms],
        *,
        config: TRMMLConfig,
        image_size: int = 448,
        generator: torch.Generator | None = None,
    ) -> None:
        """Build prompts and, if `config` asks for regions, their decoder."""
        super().__init__(encoders, class_names, config=config, image_size=image_size)
        self.log_temperature = nn.Parameter(torch.tensor(config.temperature).log())
        self.decoder = None
        with drawing_from(generator):
            self.prompts = DualPromptLearner(
                encoders.text,
                class_names,
                context_length=config.context_length,
                class_specific=config.class_specific,
                init=config.prompt_init,
                negative=config.negative,
                chunk_size=config.text_chunk_size,
            )
            if config.aggregation == "regions":
                self.decoder = CategoryAwareRegionDecoder(
                    encoders.image.dim,
                    self.prompts.num_classes,
                    queries=zero_shot_text_features(encoders.text, class_names)
                    if config.queries == "text"
                    else None,
                    energy=config.energy,
                    normalization=config.normalization,
                )

    @property
    def temperature(self) -> Float[Tensor, ""]:
        """The learnable temperature of Eq. (1), never below 0.01."""
        free = self.log_temperature.exp()
        # The gradient passes the bound, so that a temperature that met it can rise again.
        return free + (free.clamp(min=MIN_TEMPERATURE) - free).detach()

    def match(
        self,
        features: Float[Tensor, "batch positions dim"],
        grid: tuple[int, int],
        *,
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> TRMMLOutput:
        """Score dense features, from the image encoder or from a store.

        The query branch, needed by the losses, runs in training mode; in eval mode it runs only
        where `config.prediction_branch` asks for its score.

        Args:
            features: Dense image features in the joint space.
            grid: Height and width of the grid of positions.
            classes: Indices of the only classes to score, each once, as `sample_classes` draws
                them; None scores all.

        Raises:
            ValueError: If the grid has another number of positions than the features.
        """
        if grid[0] * grid[1] != features.shape[1]:
            raise ValueError(
                f"`grid` must have as many positions as `features` ({features.shape[1]}), got "
                f"{grid[0]} x {grid[1]}."
            )
        features = features.to(self.log_temperature.dtype)
        positive, negative = self.text_features(classes)
        regions, query_logits = None, None
        if self.decoder is not None:
            branch = self.config.prediction_branch
            asked = self.training or branch != "region"
            decoded = self.decoder(features, query_branch=asked, classes=classes)
            energy, regions = decoded.energy, decoded.region_features
            logits = self._dual_logits(regions, positive, negative)
            if decoded.query_features is not None:
                query_logits = self._dual_logits(decoded.query_features, positive, negative)
                if not self.training:
                    logits = query_logits if branch == "query" else (logits + query_logits) / 2
                    query_logits = None
        else:
            logits, energy = text_pixel_logits(
                features,
                positive,
                negative,
                temperature=self.temperature,
                spatial_temperature=self.config.spatial_temperature,
            )
            if self.config.aggregation == "mean":
                whole = features.mean(dim=1, keepdim=True).expand(-1, len(positive), -1)
                logits = self._dual_logits(whole, positive, negative)
        return TRMMLOutput(
            logits, query_logits, energy, features, regions, positive, negative, grid, classes
        )

    def _dual_logits(
        self,
        features: Float[Tensor, "batch classes dim"],
        positive: Float[Tensor, "classes dim"],
        negative: Float[Tensor, "classes dim"],
    ) -> Float[Tensor, "batch classes"]:
        return dual_matching_logits(features, positive, negative, temperature=self.temperature)

    @property
    def calibration_images(self) -> int:
        """How many images `calibrate` wants to see; 0 where it has nothing to set."""
        return 0 if self.decoder is None or self.decoder.calibrated else CALIBRATION_IMAGES

    def calibrate(self, features: Float[Tensor, "batch positions dim"]) -> None:
        """Set the start of the regions from a first batch's dense features.

        Does nothing to regions that were calibrated before, here or where they were loaded from.
        """
        if self.decoder is not None and not self.decoder.calibrated:
            self.decoder.calibrate(features.to(self.log_temperature.dtype))

    def region_maps(self, output: TRMMLOutput) -> Float[Tensor, "batch classes height width"]:
        """Return where each class is seen, in [0, 1], on the grid: see `region_maps`."""
        return region_maps(output, self.config)
