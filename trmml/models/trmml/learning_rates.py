"""How fast each part of TRM-ML learns."""

from trmml.models.task import ParameterGroup
from trmml.models.trmml.model import TRMML

__all__ = ["decoder_apart"]


def decoder_apart(model: TRMML) -> list[ParameterGroup]:
    """Return the region decoder apart from everything else.

    Args:
        model: Whose parameters learn.
    """
    named = list(model.named_parameters())
    decoder = [value for name, value in named if name.startswith("decoder.")]
    others = [value for name, value in named if not name.startswith("decoder.")]
    groups = [ParameterGroup(others), ParameterGroup(decoder, model.config.decoder_lr_ratio)]
    return [group for group in groups if group.parameters]
