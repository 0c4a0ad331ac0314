"""What the page tells of a photograph: its tags, their regions, and where an unseen category is."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import normalize

from trmml.data.images import BrokenImageError, decode_image, image_size
from trmml.functional import aligned_calibration, aligned_energy
from trmml.models import MultiLabelModel, zero_shot_text_features
from trmml.models.finite_scores import require_finite_scores
from trmml.page.data_uris import Veil, photograph_uri, veil_over
from trmml.page.neutral_words import NEUTRAL_WORDS
from trmml.prediction import ImageTag, decision_thresholds

__all__ = [
    "MAX_PIXELS",
    "MAX_REGIONS",
    "MAX_TEXT",
    "InspectedPhoto",
    "PhotoInspector",
    "ZeroShotMatch",
    "stand_out",
]

MAX_PIXELS: Final = 64_000_000
"""Largest photograph that is decoded, in pixels."""

MAX_TEXT: Final = 60
"""Longest name of a category that may be asked for, in characters."""

MAX_REGIONS: Final = 100
"""Most tags, the most probable, whose regions are shown; each weighs some kilobytes."""

CHANCE: Final = 0.95
"""Share of the neutral words that a word must match better than."""


@dataclass(frozen=True)
class ZeroShotMatch:
    """Where words match a photograph by the frozen towers alone.

    Attributes:
        name: The words that were asked for.
        cosine: Similarity of the words with the position that matches best, in [-1, 1].
        stands_out: Whether that is more than 95 in 100 of `NEUTRAL_WORDS`, which no photograph
            shows, reach in this one; if not, it is no better than chance.
        region: Where the words match, in [0, 1], on the model's grid.
        tag: Place, in the photograph's `tags`, of the category of that name; None where the model
            was trained on none.
    """

    name: str
    cosine: float
    stands_out: bool
    region: Float[Tensor, "rows columns"]
    tag: int | None


@dataclass(frozen=True)
class InspectedPhoto:
    """A photograph as the model sees it; nothing of the full size is kept.

    Attributes:
        picture: What is shown, at most 1024 pixels long, as a `data:` address.
        size: Width and height of the photograph, the right way up.
        tags: Every category, the most probable first; synonyms are joined by commas.
        regions: Where each tag was looked for, in the order of the tags, in [0, 1], on the model's
            grid; None for a model without regions.
        features: Dense image features, on the CPU.
        grid: Height and width of the grid of positions.
    """

    picture: str
    size: tuple[int, int]
    tags: Sequence[ImageTag]
    regions: Float[Tensor, "tags rows columns"] | None
    features: Float[Tensor, "1 positions dim"]
    grid: tuple[int, int]

    @cached_property
    def veils(self) -> list[Veil]:
        """What leaves the region of each of the first `MAX_REGIONS` tags lit; drawn once."""
        if self.regions is None:
            return []
        return [veil_over(region, self.size) for region in self.regions[:MAX_REGIONS]]


class PhotoInspector:
    """Look at photographs with one model, and answer what the page asks of them.

    Args:
        model: A trained model; it is put in eval mode.

    Examples:
        >>> from PIL import Image
        >>> from trmml import TRMML
        >>> from trmml.encoders import load_tiny
        >>> inspector = PhotoInspector(TRMML(load_tiny(), ["tree", "boat"], image_size=64))
        >>> Image.new("RGB", (90, 60), "green").save("green.png")
        >>> photo = inspector.inspect("green.png")
        >>> len(photo.tags), inspector.find(photo, "kite").region.shape
        (2, torch.Size([2, 2]))
    """

    def __init__(self, model: MultiLabelModel) -> None:
        """Keep the model."""
        self.model = model.eval()
        self._thresholds = decision_thresholds(model)

    @cached_property
    def _neutral(self) -> Float[Tensor, "words dim"]:
        return zero_shot_text_features(self.model.encoders.text, NEUTRAL_WORDS).float()

    @torch.no_grad()
    def inspect(self, path: str | Path) -> InspectedPhoto:
        """Decode a photograph, score every category and find its region.

        The scores are those of `model.predict(model.preprocess(path))`.

        Raises:
            BrokenImageError: If the file is no image, is damaged, or has more than `MAX_PIXELS`;
                a ValueError.
            FloatingPointError: If a score is nan or infinite.
        """
        width, height = image_size(path)
        if width * height > MAX_PIXELS:
            raise BrokenImageError(
                path, f"it has {width} x {height} pixels, more than {MAX_PIXELS / 1e6:.0f} million"
            )
        photograph = decode_image(path)
        model, names = self.model, self.model.class_names.shown
        features, grid = model.image_encoder.encode_dense(model.preprocess(photograph))
        output = model.prediction(features, grid)
        require_finite_scores(output.logits, names, image=lambda _: "this photograph")
        probabilities = output.logits[0].float().sigmoid().cpu()
        maps = model.region_maps(output)
        ranked = probabilities.argsort(descending=True, stable=True)
        tags = [
            ImageTag(names[column], float(probabilities[column]), float(self._thresholds[column]))
            for column in ranked.tolist()
        ]
        regions = None if maps is None else maps[0].float().cpu()[ranked]
        picture = photograph_uri(photograph)
        return InspectedPhoto(picture, photograph.size, tags, regions, features.cpu(), grid)

    @torch.no_grad()
    def find(self, photo: InspectedPhoto, text: str) -> ZeroShotMatch:
        """Find where words match a photograph, with the frozen towers alone.

        The region is the one that TRM-ML would start from before training: the cosine of the
        words with every position, on the scale of words that no photograph shows.

        Raises:
            ValueError: If the text is empty or too long.
        """
        name = " ".join(text.split())
        if not name:
            raise ValueError("`text` must name a category, got nothing.")
        if len(name) > MAX_TEXT:
            raise ValueError(
                f"`text` must have at most {MAX_TEXT} characters, got {len(name)}; use fewer words."
            )
        features = photo.features.to(self.model.device).float()
        query = zero_shot_text_features(self.model.encoders.text, [name]).float()
        scale, bias = aligned_calibration(self._neutral, features)
        energy = aligned_energy(query, features, scale=scale, bias=bias)[0, 0]
        known = self.model.class_names.find(name)
        return ZeroShotMatch(
            name,
            cosine=float(best_cosines(query, features[0])),
            stands_out=bool(stand_out(query, features[0], neutral=self._neutral)),
            region=energy.sigmoid().reshape(photo.grid).cpu(),
            tag=None if known is None else self._place(photo, known),
        )

    def _place(self, photo: InspectedPhoto, column: int) -> int:
        return [tag.name for tag in photo.tags].index(self.model.class_names.shown[column])


def stand_out(
    texts: Float[Tensor, "words dim"],
    positions: Float[Tensor, "positions dim"],
    *,
    neutral: Float[Tensor, "neutral dim"],
) -> Bool[Tensor, " words"]:
    """Say which words match a photograph better than 95 in 100 of the neutral ones do.

    Args:
        texts: A feature for each word.
        positions: Dense features of the photograph.
        neutral: A feature for each of `NEUTRAL_WORDS`.
    """
    # On the CPU, as not every device interpolates between numbers.
    chance = float(best_cosines(neutral, positions).float().cpu().quantile(CHANCE))
    return best_cosines(texts, positions) > chance


def best_cosines(
    texts: Float[Tensor, "words dim"], positions: Float[Tensor, "positions dim"]
) -> Float[Tensor, " words"]:
    """Return the cosine of each word with the position that matches it best."""
    return (normalize(texts, dim=-1) @ normalize(positions, dim=-1).mT).amax(dim=-1)
