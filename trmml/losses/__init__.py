"""Losses as modules: each holds its settings and calls the function of the same name."""

from typing import Final

from trmml.losses.assume_negative_loss import AssumeNegativeLoss
from trmml.losses.asymmetric_loss import AsymmetricLoss
from trmml.losses.asymmetric_pseudo_label_loss import AsymmetricPseudoLabelLoss
from trmml.losses.curriculum_loss import CurriculumLoss
from trmml.losses.entropy_maximization_loss import EntropyMaximizationLoss
from trmml.losses.expected_positive_loss import ExpectedPositiveLoss
from trmml.losses.hill_loss import HillLoss
from trmml.losses.known_bce_loss import KnownBCELoss
from trmml.losses.label_loss import LabelLoss
from trmml.losses.large_loss import LargeLoss
from trmml.losses.multimodal_info_nce import MultimodalInfoNCE
from trmml.losses.pairwise_hinge_loss import PairwiseHingeLoss
from trmml.losses.partial_asymmetric_loss import PartialAsymmetricLoss
from trmml.losses.partial_bce_loss import PartialBCELoss
from trmml.losses.region_distillation import RegionDistillation
from trmml.losses.role_loss import ROLELoss
from trmml.losses.splc_loss import SPLCLoss

__all__ = [
    "LOSSES",
    "AssumeNegativeLoss",
    "AsymmetricLoss",
    "AsymmetricPseudoLabelLoss",
    "CurriculumLoss",
    "EntropyMaximizationLoss",
    "ExpectedPositiveLoss",
    "HillLoss",
    "KnownBCELoss",
    "LargeLoss",
    "MultimodalInfoNCE",
    "PairwiseHingeLoss",
    "PartialAsymmetricLoss",
    "PartialBCELoss",
    "ROLELoss",
    "RegionDistillation",
    "SPLCLoss",
]

LOSSES: Final[dict[str, type[LabelLoss]]] = {
    "asymmetric": AsymmetricLoss,
    "bce": KnownBCELoss,
    "partial-bce": PartialBCELoss,
    "assume-negative": AssumeNegativeLoss,
    "expected-positive": ExpectedPositiveLoss,
    "hill": HillLoss,
    "splc": SPLCLoss,
    "partial-asymmetric": PartialAsymmetricLoss,
    "entropy-maximization": EntropyMaximizationLoss,
    "pairwise-hinge": PairwiseHingeLoss,
    "large-loss": LargeLoss,
    "role": ROLELoss,
    "asymmetric-pseudo-label": AsymmetricPseudoLabelLoss,
    "curriculum": CurriculumLoss,
}
"""The losses that classify, by the names that configurations have.

Each is called `(logits [batch classes], labels in {-1, 0, +1}) -> loss`, is built from keywords,
among them `reduction`, and is held to all that by `tests/losses/test_every_loss.py`. One that
`needs_rows` is called with `rows=` too. Only `ExpectedPositiveLoss` and `ROLELoss` have a setting
without a default.
"""
