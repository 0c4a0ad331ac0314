"""Where a tower computes."""

import torch
from torch import nn

from trmml.encoders.protocol import ImageEncoder

__all__ = ["device_of"]


def device_of(encoder: ImageEncoder) -> torch.device:
    """Return the device of a tower's weights; the CPU for one without."""
    found = encoder.parameters() if isinstance(encoder, nn.Module) else iter(())
    return next((parameter.device for parameter in found), torch.device("cpu"))
