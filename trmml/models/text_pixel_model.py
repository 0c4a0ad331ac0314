"""What DualCoOp and its kin share: two texts a class, matched with every position."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from trmml.encoders.protocol import ImageEncoder
from trmml.functional import text_pixel_logits
from trmml.functional.checks import check_at_least, check_numbers, check_temperature
from trmml.models.batch import Batch
from trmml.models.labels_task import LabelsTask
from trmml.models.method_config import MethodConfig
from trmml.models.outputs import PixelScores, position_maps
from trmml.models.prompted_model import PromptedModel

__all__ = ["TextPixelConfig", "TextPixelModel", "TextPixelTask", "with_mean_and_places"]


@dataclass(frozen=True, kw_only=True)
class TextPixelConfig(MethodConfig):
    """Settings of DualCoOp and its kin; the defaults are the published ones.

    Attributes:
        context_length: Learnable tokens per prompt.
        class_specific: Whether each class has contexts of its own.
        prompt_init: Words the contexts start from; None draws them from N(0, 0.02).
        temperature: Divides the difference of cosines; published as a factor of 5 times 20.
        spatial_temperature: Divides the cosines that weigh positions; published as a factor of 20.
        pooling_token: Whether the mean of all positions counts as one more, and each carries the
            position embedding of CLIP's attention pool, as published. Towers without such a pool
            have no embedding.
        loss_weight: What the loss of a batch, a sum over labels divided by the number of images, is
            multiplied by. Published is a sum times 0.03 at half of the labels, with batches of 32.
        text_chunk_size: Most prompts in memory at once, see `PromptEncoder`; None for all. Changes
            no number.
    """

    context_length: int = 16
    class_specific: bool = True
    prompt_init: str | None = None
    temperature: float = 0.01
    spatial_temperature: float = 0.05
    pooling_token: bool = True
    loss_weight: float = 0.96
    text_chunk_size: int | None = None

    def __post_init__(self) -> None:
        """Refuse values outside their range.

        Raises:
            ValueError: If a temperature or the weight is not above 0, or a count is below 1.
        """
        check_temperature(self.temperature)
        check_temperature(self.spatial_temperature, argument="spatial_temperature")
        if not self.loss_weight > 0:
            raise ValueError(f"`loss_weight` must be above 0, got {self.loss_weight}.")
        check_at_least(self, 1, "context_length", "text_chunk_size")
        check_numbers(self)


class TextPixelModel(PromptedModel[PixelScores]):
    """Match every position with a positive and a negative text, and average over positions.

    A method of this kind builds `prompts`, which give both texts. See `text_pixel_logits`.
    """

    has_regions = True
    config: Any  # of each method's own class

    def match(
        self,
        features: Float[Tensor, "batch positions dim"],
        grid: tuple[int, int],
        *,
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> PixelScores:
        """Score dense features, from the image encoder or from a store."""
        positive, negative = self.text_features(classes)
        logits, energy = text_pixel_logits(
            self.places(features.to(positive.dtype), grid),
            positive,
            negative,
            temperature=self.config.temperature,
            spatial_temperature=self.config.spatial_temperature,
        )
        return PixelScores(logits, energy[:, :, -features.shape[1] :], grid)

    def places(
        self, features: Float[Tensor, "batch positions dim"], grid: tuple[int, int]
    ) -> Float[Tensor, "batch places dim"]:
        """Return what is matched with the texts, where the grid's positions come last."""
        if self.config.pooling_token:
            return with_mean_and_places(features, grid, self.image_encoder)
        return features

    def region_maps(self, output: Any) -> Float[Tensor, "batch classes height width"]:  # noqa: ANN401
        """Return the probability of every class at every position, on the grid."""
        return position_maps(output)


class TextPixelTask(LabelsTask):
    """Train a `TextPixelModel` by its weighted loss.

    Args:
        model: To train.
    """

    model: TextPixelModel

    def forward(self, batch: Batch) -> dict[str, Float[Tensor, ""]]:
        """Return the loss of the labels, with its weight."""
        weight = self.model.config.loss_weight
        return {name: weight * loss for name, loss in super().forward(batch).items()}


def with_mean_and_places(
    features: Float[Tensor, "batch positions dim"],
    grid: tuple[int, int],
    encoder: ImageEncoder,
) -> Float[Tensor, "batch places dim"]:
    r"""Put the mean of all positions first, and add the position embedding of CLIP's pool.

    Dense features are linear in what the pool gets, so that what it adds to each before its two
    projections can be added after them, also to features from a store.

    Args:
        features: Dense image features without it.
        grid: Height and width of the grid of positions.
        encoder: The image tower; one without such a pool adds nothing.
    """
    found = torch.cat([features.mean(dim=1, keepdim=True), features], dim=1)
    embedding: Any = getattr(encoder, "position_features", None)
    return found if embedding is None else found + embedding(grid).to(found)
