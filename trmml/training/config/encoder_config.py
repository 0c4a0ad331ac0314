"""Which frozen CLIP a run builds on."""

from dataclasses import dataclass, fields
from typing import Literal

from trmml.choices import choice_error
from trmml.encoders import EncoderPair, EncoderSource, load_encoders
from trmml.encoders.load import FAMILIES, check_options
from trmml.encoders.vision_transformer import DensePath
from trmml.functional.checks import check_numbers

__all__ = ["EncoderConfig"]

_OF_EVERY_FAMILY = ("family", "name", "pretrained", "precision")


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """Which frozen CLIP a run builds on, and how precisely it computes.

    An option that is not left at its default must be one that the family knows.

    Attributes:
        family: One of `trmml.encoders.load.FAMILIES`: "open_clip", or "tiny" for the embedded
            pair, a testbed.
        name: Architecture of that family (paper: RN101, and RN50 for a single positive label);
            "default" takes RN101, or the family's own.
        pretrained: One of its tags, a path to a file of weights, or None for random ones, or for
            those of the package where the family is "tiny"; "default" takes OpenAI's, or the
            family's own.
        quick_gelu: Whether it uses OpenAI's approximation of the GELU; None goes by the weights.
        mean: Channel means of its images, of pixels in [0, 1]; None goes by the weights.
        std: Channel standard deviations, likewise.
        dense_path: How a vision transformer gives dense features; None takes its default.
        precision: Of the image tower's matrix products; None leaves it to
            `recipe.mixed_precision`.
        channels_last: Whether the image tower's weights and images are kept channels-last.

    Examples:
        >>> config = EncoderConfig(family="tiny")
        >>> config.name, config.pretrained
        ('tiny', None)
    """

    family: str = "open_clip"
    name: str = "default"
    pretrained: str | None = "default"
    quick_gelu: bool | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    dense_path: DensePath | None = None
    precision: Literal["bfloat16", "float16"] | None = None
    channels_last: bool = True

    def __post_init__(self) -> None:
        """Fill in the family's defaults, and refuse what the family does not know.

        Raises:
            ValueError: If there is no such family, it does not know an option, or a number is none.
        """
        if self.family not in FAMILIES:
            raise choice_error(self.family, tuple(FAMILIES), argument="family")
        for name in ("name", "pretrained"):
            if getattr(self, name) == "default":
                object.__setattr__(self, name, getattr(FAMILIES[self.family], name))
        check_numbers(self)
        if self.std is not None and not min(self.std) > 0:
            raise ValueError(f"`std` must be above 0, got {self.std}; pixels are divided by it.")
        check_options(self.source)

    @property
    def source(self) -> EncoderSource:
        """What `load_encoders` is asked for, with the options that are not at their default."""
        options = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name not in _OF_EVERY_FAMILY and getattr(self, field.name) != field.default
        }
        return EncoderSource(self.family, self.name, self.pretrained, options)

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
        return load_encoders(self.source, image_size=image_size, autocast_dtype=dtype)
