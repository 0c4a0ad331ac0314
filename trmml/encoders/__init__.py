"""Frozen backbones behind one protocol. Loading them imports open_clip or timm; this does not."""

from trmml.encoders.open_clip import wrap_open_clip
from trmml.encoders.protocol import (
    EncoderPair,
    EncoderSource,
    ImageEncoder,
    ImageFeatures,
    TextEncoder,
)

__all__ = [
    "EncoderPair",
    "EncoderSource",
    "ImageEncoder",
    "ImageFeatures",
    "TextEncoder",
    "wrap_open_clip",
]
