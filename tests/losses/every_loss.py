"""What the tests of all losses share: how each is built, and a batch to try it on."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from trmml.losses import LOSSES
from trmml.losses.relabelling_loss import RelabellingLoss

REDUCTIONS = ["batch_mean", "mean", "sum", "none"]
REQUIRED: dict[str, dict[str, Any]] = {
    "expected-positive": {"expected_positives": 2.0},
    "role": {"expected_positives": 2.0},
}
"""Settings that have no default."""

REMEMBERING: dict[str, dict[str, Any]] = {
    "large-loss": {"mode": "correct_for_good", "rate": 0.05},
    "role": REQUIRED["role"],
    "asymmetric-pseudo-label": {"first_epoch": 1, "last_epoch": 2},
    "curriculum": {"threshold": 0.5},
}
"""Losses with the settings by which they need rows."""

USES_UNKNOWN = [name for name in LOSSES if LOSSES[name](**REQUIRED.get(name, {})).uses_unknown]
IGNORES_UNKNOWN = [name for name in LOSSES if name not in USES_UNKNOWN]


def build(name: str, **settings: Any) -> Any:  # noqa: ANN401
    """Return a loss; to one that needs rows every batch is of the first images there are.

    One that labels by scores has scored these before, the last two classes with 3.
    """
    loss = LOSSES[name](**REQUIRED.get(name, {}), **settings)
    if loss.needs_rows:
        _tell(loss, 5)
        loss.register_forward_pre_hook(_with_rows, with_kwargs=True)
    return loss


def _tell(loss: Any, classes: int) -> None:  # noqa: ANN401
    nothing_known, scores = torch.zeros(3, classes), torch.zeros(3, classes)
    scores[:, -2:] = 3
    loss.begin_training(nothing_known)
    loss.end_step(scores, nothing_known, torch.arange(3))
    if isinstance(loss, RelabellingLoss):
        loss.begin_epoch(1)


def _with_rows(loss: Any, batch: tuple[Tensor, Tensor], named: dict[str, Any]) -> Any:  # noqa: ANN401
    logits, _ = batch
    if logits.shape[-1] != 5:
        _tell(loss, logits.shape[-1])
    return batch, {"rows": torch.arange(len(logits)), **named}


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
