"""What the page tells of a photograph: its tags, their regions, and where an unseen category is."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from trmml.data.images import BrokenImageError, decode_image, image_size
from trmml.functional import aligned_calibration, aligned_energy
from trmml.models import MultiLabelModel, zero_shot_text_features
from trmml.models.finite_scores import require_finite_scores
from trmml.page.data_uris import photograph_uri
from trmml.prediction import ImageTag, decision_thresholds

__all__ = ["MAX_PIXELS", "MAX_TEXT", "InspectedPhoto", "PhotoInspector", "ZeroShotMatch"]

MAX_PIXELS: Final = 64_000_000
"""Largest photograph that is decoded, in pixels."""

MAX_TEXT: Final = 60
"""Longest name of a category that may be asked for, in characters."""


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
    def _texts(self) -> Float[Tensor, "classes dim"]:
        return zero_shot_text_features(self.model.encoders.text, self.model.class_names)

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
        features = photo.features.to(self.model.device).float()
        query = zero_shot_text_features(self.model.encoders.text, [name]).float()
        scale, bias = aligned_calibration(self._texts.float(), features)
        energy = aligned_energy(query, features, scale=scale, bias=bias)[0, 0]
        cosines = normalize(features[0], dim=-1) @ query[0]
        trained = {known.casefold() for group in self.model.class_names.synonyms for known in group}
        return ZeroShotMatch(
            name,
            cosine=float(cosines.amax()),
            stands_out=bool(energy.amax() > 0),
            region=energy.sigmoid().reshape(photo.grid).cpu(),
            trained=name.casefold() in trained,
        )
