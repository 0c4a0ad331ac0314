"""Losses as modules: each holds its settings and calls the function of the same name."""

from typing import Final

from torch import nn

from trmml.losses.asymmetric_loss import AsymmetricLoss
from trmml.losses.known_bce_loss import KnownBCELoss
from trmml.losses.multimodal_info_nce import MultimodalInfoNCE
from trmml.losses.region_distillation import RegionDistillation

__all__ = ["LOSSES", "AsymmetricLoss", "KnownBCELoss", "MultimodalInfoNCE", "RegionDistillation"]

LOSSES: Final[dict[str, type[nn.Module]]] = {"asymmetric": AsymmetricLoss, "bce": KnownBCELoss}
"""The losses that classify, by the names that configurations have.

Each is called `(logits [batch classes], labels in {-1, 0, +1}) -> loss`, takes nothing but keywords
to build, among them `reduction`, and is held to all that by `tests/losses/test_every_loss.py`.
"""
