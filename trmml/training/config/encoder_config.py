"""Which frozen CLIP a run builds on."""

from dataclasses import dataclass
from typing import Literal

from trmml.encoders import EncoderPair, load_open_clip, load_tiny
from trmml.encoders.vision_transformer import DensePath

__all__ = ["EncoderConfig"]


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """Which frozen CLIP a run builds on, and how precisely it computes.

    Attributes:
        family: "open_clip", or "tiny" for the embedded pair, a testbed of which only `precision`
            can be chosen.
        name: Architecture in open_clip (paper: RN101, and RN50 for a single positive label).
        pretrained: One of its tags, a path to a file of weights, or None for random ones.
        quick_gelu: Whether it uses OpenAI's approximation of the GELU; None goes by the weights.
        mean: Channel means of its images, of pixels in [0, 1]; None goes by the weights.
        std: Channel standard deviations, likewise.
        dense_path: How a vision transformer gives dense features; None takes its default.
        precision: Of the image tower's matrix products; None leaves it to
            `recipe.mixed_precision`.
        channels_last: Whether the image tower's weights and images are kept channels-last.
    """

    family: Literal["open_clip", "tiny"] = "open_clip"
    name: str = "RN101"
    pretrained: str | None = "openai"
    quick_gelu: bool | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    dense_path: DensePath | None = None
    precision: Literal["bfloat16", "float16"] | None = None
    channels_last: bool = True

    def load(self, *, image_size: int | None = None) -> EncoderPair:
        """Load the frozen pair.

        Args:
            image_size: Side in pixels of the images to come; None for the tower's own.

        Raises:
            ValueError: If the architecture or the weights are not what this says.
            FileNotFoundError: If `pretrained` is a path where nothing is.
            ConnectionError: If a tag's weights can neither be found nor downloaded.
        """
        import torch

        dtype = None if self.precision is None else getattr(torch, self.precision)
        if self.family == "tiny":
            return load_tiny(autocast_dtype=dtype)
        return load_open_clip(
            self.name,
            pretrained=self.pretrained,
            image_size=image_size,
            quick_gelu=self.quick_gelu,
            mean=self.mean,
            std=self.std,
            dense_path=self.dense_path,
            channels_last=self.channels_last,
            autocast_dtype=dtype,
        )
