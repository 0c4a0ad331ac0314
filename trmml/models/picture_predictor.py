"""From pictures to probabilities and maps: what every model does with its scores."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import interpolate

from trmml.class_names import ClassNames
from trmml.data.pictures import Pictures, list_pictures, open_picture
from trmml.data.square_pixels import square_pixels
from trmml.encoders.pixels import normalize_pixels
from trmml.encoders.protocol import ImageEncoder
from trmml.models.finite_scores import require_finite_scores
from trmml.models.outputs import ModelOutput
from trmml.modules.frozen import FrozenHolder

__all__ = ["PicturePredictor"]

_Output = TypeVar("_Output", bound=ModelOutput, covariant=True)


class PicturePredictor(FrozenHolder, ABC, Generic[_Output]):
    """Take a picture in any form, and say what is in it and where.

    Attributes:
        image_encoder: The frozen image tower.
        image_size: Side in pixels of what `preprocess` prepares.
        class_names: What each class is called.
    """

    image_encoder: ImageEncoder
    image_size: int
    class_names: ClassNames

    @property
    def device(self) -> torch.device:
        """Where the model computes."""
        return next(self.parameters()).device

    @abstractmethod
    def forward(
        self,
        images: Float[Tensor, "batch 3 height width"],
        *,
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> _Output:
        """Score normalised images."""

    def region_maps(
        self,
        output: Any,  # noqa: ANN401, ARG002 - what this class's `match` returns
    ) -> Float[Tensor, "batch classes height width"] | None:
        """Return where each class is seen, in [0, 1], on the grid; None for a model without."""
        return None

    def preprocess(
        self, images: Pictures, *, allow_urls: bool = False
    ) -> Float[Tensor, "batch 3 height width"]:
        """Prepare pictures: right way up, resized to `image_size`, normalised.

        The aspect ratio is not kept, as in the paper's recipe.

        Args:
            images: A file, a picture that Pillow opened or made, in any mode, an array of 8-bit
                pixels [height width 3] or [height width], or a list of these; all give the same
                pixels, see `trmml.data.open_picture`.
            allow_urls: Whether names that begin with `http://` or `https://` are fetched.

        Returns:
            One row for each picture, where the model computes.

        Raises:
            ValueError: If a file is missing, is no image or is damaged, an array has another type
                or shape, there is no picture, or one is on the network and that is not allowed.
            TypeError: If it is no picture.
        """
        found = list_pictures(images)
        if not found:
            raise ValueError("`images` must hold at least one picture, got an empty list.")
        squares = [
            square_pixels(open_picture(one, allow_urls=allow_urls), self.image_size)
            for one in found
        ]
        return normalize_pixels(torch.stack(squares).to(self.device), self.image_encoder)

    @torch.no_grad()
    def predict(
        self,
        images: Float[Tensor, "batch 3 height width"] | Pictures,
        *,
        allow_urls: bool = False,
        batch_size: int = 32,
    ) -> Float[Tensor, "batch classes"]:
        """Return the probability of every class in every picture.

        Args:
            images: What `preprocess` takes; or what it gave, a tensor, which is scored at once.
            allow_urls: As in `preprocess`.
            batch_size: Pictures that are prepared and scored at once, where they are no tensor.

        Returns:
            One row for each picture, also for a single one; in [0, 1].

        Raises:
            ValueError: As `preprocess`, or if `batch_size` is below 1.
            TypeError: As `preprocess`, or if a tensor has no floating-point numbers.
            FloatingPointError: If a score is nan or infinite.
        """
        done, found = 0, []
        for batch in self._batches(images, batch_size, allow_urls=allow_urls):
            found.append(self._scored(batch, before=done).logits.float().sigmoid())
            done += len(batch)
        return torch.cat(found)

    @torch.no_grad()
    def heatmap(
        self, images: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch classes height width"]:
        """Return where each class is seen, in [0, 1], at the images' own height and width.

        These are the model's `region_maps`, interpolated bilinearly.

        Raises:
            ValueError: If the model has no regions.
            FloatingPointError: If a score is nan or infinite.
        """
        maps = self.region_maps(self._scored(images))
        if maps is None:
            raise ValueError(
                f"{type(self).__name__} must have regions to draw them, but it only scores whole "
                "images; `predict` gives the scores."
            )
        return interpolate(maps, size=images.shape[-2:], mode="bilinear", align_corners=False)

    def _batches(
        self, images: Tensor | Pictures, size: int, *, allow_urls: bool
    ) -> Iterator[Float[Tensor, "batch 3 height width"]]:
        """Yield what can be scored at once."""
        if isinstance(images, Tensor):
            if not images.is_floating_point():
                raise TypeError(
                    "a tensor must be normalised floating-point images, as `preprocess` gives "
                    f"them, got {images.dtype}; pass pixels as a NumPy array [height width 3]."
                )
            yield images
            return
        if size < 1:
            raise ValueError(f"`batch_size` must be at least 1, got {size}.")
        found = list_pictures(images)
        for start in range(0, max(1, len(found)), size):
            yield self.preprocess(found[start : start + size], allow_urls=allow_urls)

    def _scored(self, images: Float[Tensor, "batch 3 height width"], *, before: int = 0) -> _Output:
        output = self(images)
        names = self.class_names.titles
        require_finite_scores(output.logits, names, image=lambda place: f"image {before + place}")
        return output
