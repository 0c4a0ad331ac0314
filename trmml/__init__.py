"""Multi-label image recognition with missing labels, as parts that stand alone.

Importing this package loads nothing heavy: each name below is fetched from its own module
when it is first used, so that a loss or a memory bank never pulls in `timm` or `open_clip`.
Set `TRMML_TYPECHECK=1` before the import to have every annotated shape checked at run time.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from trmml.losses import AsymmetricLoss, MultimodalInfoNCE, RegionDistillation
    from trmml.models import TRMML, TRMMLConfig
    from trmml.modules import (
        AdaptiveThresholdPseudoLabeler,
        CalibratedPseudoLabeler,
        CategoryAwareRegionDecoder,
        DualPromptLearner,
        PrototypeMemoryBank,
    )

_HOME = {
    "AdaptiveThresholdPseudoLabeler": "trmml.modules",
    "AsymmetricLoss": "trmml.losses",
    "CalibratedPseudoLabeler": "trmml.modules",
    "CategoryAwareRegionDecoder": "trmml.modules",
    "DualPromptLearner": "trmml.modules",
    "MultimodalInfoNCE": "trmml.losses",
    "PrototypeMemoryBank": "trmml.modules",
    "RegionDistillation": "trmml.losses",
    "TRMML": "trmml.models",
    "TRMMLConfig": "trmml.models",
}

__all__ = [
    "TRMML",
    "AdaptiveThresholdPseudoLabeler",
    "AsymmetricLoss",
    "CalibratedPseudoLabeler",
    "CategoryAwareRegionDecoder",
    "DualPromptLearner",
    "MultimodalInfoNCE",
    "PrototypeMemoryBank",
    "RegionDistillation",
    "TRMMLConfig",
]

if os.environ.get("TRMML_TYPECHECK", "0") not in ("", "0"):
    from jaxtyping import install_import_hook

    install_import_hook(
        "trmml", "beartype.beartype(conf=__import__('beartype').BeartypeConf(is_pep484_tower=True))"
    )


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module protocol returns any attribute
    """Fetch a public part from its home module on first use."""
    if name not in _HOME:
        raise AttributeError(f"module 'trmml' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public parts beside the loaded ones."""
    return sorted({*globals(), *__all__})
