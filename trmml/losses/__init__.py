"""Losses as modules: each holds its settings and calls the function of the same name."""

from trmml.losses.asymmetric_loss import AsymmetricLoss
from trmml.losses.multimodal_info_nce import MultimodalInfoNCE
from trmml.losses.region_distillation import RegionDistillation

__all__ = ["AsymmetricLoss", "MultimodalInfoNCE", "RegionDistillation"]
