"""Ways to other libraries: torchmetrics, and whatever is used as scikit-learn's classifiers are."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from trmml.bridges.partial_label_classifier import PartialLabelClassifier
    from trmml.bridges.torchmetrics import MeanAveragePrecision, SignedLabels

__all__ = ["MeanAveragePrecision", "PartialLabelClassifier", "SignedLabels"]

_HOME: Final = {
    "PartialLabelClassifier": "trmml.bridges.partial_label_classifier",
    "MeanAveragePrecision": "trmml.bridges.torchmetrics",
    "SignedLabels": "trmml.bridges.torchmetrics",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module protocol returns any attribute
    """Fetch a bridge on first use: what it leads to may not be installed."""
    if name not in _HOME:
        raise AttributeError(f"module 'trmml.bridges' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value
