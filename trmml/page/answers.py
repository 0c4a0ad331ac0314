"""What the page tells: a photograph's tags with their regions, and where an unseen category is."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import torch
from jaxtyping import Float
from PIL.Image import Image
from torch import Tensor
from torch.nn.functional import normalize

from trmml.data.images import BrokenImageError, decode_image, image_size
from trmml.functional import aligned_calibration, aligned_energy, region_mask
from trmml.models import TRMML, zero_shot_text_features

__all__ = ["MAX_PIXELS", "MAX_TEXT", "Answers", "Look", "Tag", "ZeroShotMatch"]

MAX_PIXELS: Final = 64_000_000
"""Largest photograph that is decoded, in pixels."""

MAX_TEXT: Final = 60
"""Longest name of a category that may be asked for, in characters."""

_UNSET_THRESHOLD: Final = 0.5


@dataclass(frozen=True)
class Tag:
    """A category that the model was trained on.

    Attributes:
        name: The category, synonyms joined by commas.
        score: Its probability.
        threshold: The probability from which it counts as present.
        region: Where it was looked for, in [0, 1], on the model's grid.
    """

    name: str
    score: float
    threshold: float
    region: Float[Tensor, "rows columns"]

    @property
    def present(self) -> bool:
        """Whether the score reaches the threshold."""
        return self.score >= self.threshold


@dataclass(frozen=True)
class ZeroShotMatch:
    """A category that the model was not trained on.

    Attributes:
        name: The words that were asked for.
        cosine: Similarity of the words with the position that matches best, in [-1, 1].
        stands_out: Whether that position lies two standard deviations above the cosines of this
            photograph's positions with the trained categories' names.
        region: Where the words match, in [0, 1], on the model's grid.
        trained: Whether the model has a tag of that name after all.
    """

    name: str
    cosine: float
    stands_out: bool
    region: Float[Tensor, "rows columns"]
    trained: bool


@dataclass(frozen=True)
class Look:
    """A photograph as the model sees it.

    Attributes:
        photograph: The decoded photograph, the right way up.
        tags: Every category, the most probable first.
        features: Dense image features.
        grid: Height and width of the grid of positions.
    """

    photograph: Image
    tags: Sequence[Tag]
    features: Float[Tensor, "1 positions dim"]
    grid: tuple[int, int]


class Answers:
    """Answer what the page asks, with one model.

    Args:
        model: A trained model; it is put in eval mode.

    Examples:
        >>> from trmml.encoders import load_tiny
        >>> answers = Answers(TRMML(load_tiny(), ["tree", "boat"], image_size=64))
        >>> from PIL import Image
        >>> Image.new("RGB", (90, 60), "green").save("green.png")
        >>> look = answers.look("green.png")
        >>> len(look.tags), answers.find(look, "kite").region.shape
        (2, torch.Size([2, 2]))
    """

    def __init__(self, model: TRMML) -> None:
        """Keep the model."""
        self.model = model.eval()
        thresholds = model.decision_thresholds
        self._thresholds = thresholds or [_UNSET_THRESHOLD] * len(self.names)

    @cached_property
    def names(self) -> list[str]:
        """Return how each category is shown."""
        return [
            name if isinstance(name, str) else ", ".join(name) for name in self.model.class_names
        ]

    @cached_property
    def _texts(self) -> Float[Tensor, "classes dim"]:
        return zero_shot_text_features(self.model.encoders.text, self.model.class_names)

    @torch.no_grad()
    def look(self, path: str | Path) -> Look:
        """Decode a photograph, score every category and find its region.

        The scores are those of `model.predict(model.preprocess(path))`.

        Raises:
            BrokenImageError: If the file is no image, is damaged, or has more than `MAX_PIXELS`;
                a ValueError.
        """
        width, height = image_size(path)
        if width * height > MAX_PIXELS:
            raise BrokenImageError(
                path, f"it has {width} x {height} pixels, more than {MAX_PIXELS / 1e6:.0f} million"
            )
        photograph = decode_image(path)
        model = self.model
        features, grid = model.image_encoder.encode_dense(model.preprocess(photograph))
        output = model.match(features, grid)
        # Without regions the energies are logits, whatever the configuration would do with them.
        normalization = model.config.normalization if model.decoder is not None else "sigmoid"
        regions = region_mask(output.energy.float(), normalization=normalization)
        regions = regions[0].reshape(-1, *grid).cpu()
        scores = output.logits[0].float().sigmoid().tolist()
        tags = map(Tag, self.names, scores, self._thresholds, regions)
        ranked = sorted(tags, key=lambda tag: tag.score, reverse=True)
        return Look(photograph, tuple(ranked), features, grid)

    @torch.no_grad()
    def find(self, look: Look, text: str) -> ZeroShotMatch:
        """Find where words match a photograph, with the frozen towers alone.

        The region is the one that TRM-ML would start from before training: the cosine of the
        words with every position, on the scale of the trained categories' names in this
        photograph.

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
        features = look.features.float()
        query = zero_shot_text_features(self.model.encoders.text, [name]).float()
        scale, bias = aligned_calibration(self._texts.float(), features)
        energy = aligned_energy(query, features, scale=scale, bias=bias)[0, 0]
        cosines = normalize(features[0], dim=-1) @ query[0]
        trained = {
            known.casefold()
            for names in self.model.class_names
            for known in ([names] if isinstance(names, str) else names)
        }
        return ZeroShotMatch(
            name,
            cosine=float(cosines.amax()),
            stands_out=bool(energy.amax() > 0),
            region=energy.sigmoid().reshape(look.grid).cpu(),
            trained=name.casefold() in trained,
        )
