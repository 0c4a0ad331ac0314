"""Frozen backbones behind one protocol. Loading them imports open_clip or timm; this does not."""

from trmml.encoders.compute_dtype import ComputeDtype, compute_in, computed_in
from trmml.encoders.fingerprint import fingerprint
from trmml.encoders.load import load_encoders
from trmml.encoders.open_clip import load_open_clip, wrap_open_clip
from trmml.encoders.own import load_own_encoders
from trmml.encoders.pixels import normalize_pixels
from trmml.encoders.protocol import (
    EncoderPair,
    EncoderSource,
    ImageEncoder,
    ImageFeatures,
    TextEncoder,
    TokenEncoder,
)
from trmml.encoders.runtime import Runtime, run_by
from trmml.encoders.timm import TimmImageEncoder
from trmml.encoders.tiny import load_tiny

__all__ = [
    "ComputeDtype",
    "EncoderPair",
    "EncoderSource",
    "ImageEncoder",
    "ImageFeatures",
    "Runtime",
    "TextEncoder",
    "TimmImageEncoder",
    "TokenEncoder",
    "compute_in",
    "computed_in",
    "fingerprint",
    "load_encoders",
    "load_open_clip",
    "load_own_encoders",
    "load_tiny",
    "normalize_pixels",
    "run_by",
    "wrap_open_clip",
]
