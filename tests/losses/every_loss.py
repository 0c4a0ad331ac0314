"""What the tests of all losses share: how each is built, and a batch to try it on."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from trmml.losses import LOSSES

REDUCTIONS = ["batch_mean", "mean", "sum", "none"]
REQUIRED: dict[str, dict[str, Any]] = {"expected-positive": {"expected_positives": 2.0}}
"""Settings that have no default."""

REMEMBERING: dict[str, dict[str, Any]] = {
    "large-loss": {"mode": "correct_for_good", "rate": 0.05},
}
"""Losses with the settings by which they need rows."""

USES_UNKNOWN = [name for name in LOSSES if LOSSES[name](**REQUIRED.get(name, {})).uses_unknown]
IGNORES_UNKNOWN = [name for name in LOSSES if name not in USES_UNKNOWN]


def build(name: str, **settings: Any) -> Any:  # noqa: ANN401
    return LOSSES[name](**REQUIRED.get(name, {}), **settings)


def logits_and_labels() -> tuple[Tensor, Tensor]:
    labels = torch.tensor([[1, -1, 0, 1, 1], [0, 0, 0, 0, 0], [-1, -1, 1, 0, 1]])
    return 3 * torch.randn(labels.shape, dtype=torch.float64), labels


def few_known() -> tuple[Tensor, Tensor]:
    """Return a batch with so many unknown labels that none of the losses leaves all of them out."""
    labels = torch.zeros(3, 20, dtype=torch.int64)
    labels[:, :2] = torch.tensor([1, -1])
    return 3 * torch.randn(labels.shape, dtype=torch.float64), labels


def gradient(loss: Callable[..., Tensor], logits: Tensor, labels: Tensor) -> Tensor:
    leaf = logits.detach().clone().requires_grad_()
    return torch.autograd.grad(loss(leaf, labels).sum(), leaf)[0]
