"""Regularised online label estimation, one label at a time."""

from math import log

import torch

from tests._references.region_attention import sigmoid


def half(
    p: list[list[float]], q: list[list[float]], labels: list[list[int]], *, k: float, weight: float
) -> float:
    """Return what one side learns: known labels, what the other thinks, how many positives."""
    images, num_classes = len(p), len(p[0])
    loss = k_hat = 0.0
    for p_b, q_b, y_b in zip(p, q, labels, strict=True):
        for p_bc, q_bc, y in zip(p_b, q_b, y_b, strict=True):
            k_hat += p_bc / images
            loss += -q_bc * log(p_bc) - (1 - q_bc) * log(1 - p_bc)
            if y == 1:
                loss += -log(p_bc)
            if y == -1:
                loss += -log(1 - p_bc)
    return loss / (images * num_classes) + weight * ((k_hat - k) / num_classes) ** 2


def role(
    logits: list[list[float]],
    theta: list[list[float]],
    labels: list[list[int]],
    *,
    k: float,
    weight: float = 1.0,
) -> float:
    """Return the loss as in the paper."""
    p = [[sigmoid(x) for x in x_b] for x_b in logits]
    q = [[sigmoid(t) for t in theta_b] for theta_b in theta]
    return (half(p, q, labels, k=k, weight=weight) + half(q, p, labels, k=k, weight=weight)) / 2


def loss_of_labels(logits: list[list[float]], labels: list[list[int]]) -> float:
    """Return the loss of a batch at the default settings, before the first step, of two positives.

    Nothing is known yet of the images, whose order is that of the table.
    """
    drawn = torch.rand(len(logits), len(logits[0]), generator=torch.Generator().manual_seed(0))
    far = log(0.6 / 0.4)
    theta = [[far * (2 * u - 1) for u in u_b] for u_b in drawn.tolist()]
    return len(logits[0]) * role(logits, theta, labels, k=2.0)
