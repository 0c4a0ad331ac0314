"""Eq. 14 with its missing minus sign, one label at a time."""

from math import log

from tests._references.region_attention import sigmoid


def asymmetric(x: float, y: int, gamma_pos: float, gamma_neg: float, m: float) -> float:
    p = sigmoid(x)
    if y == 1:
        return -((1 - p) ** gamma_pos) * log(p)
    if y == -1:
        p_m = max(p - m, 0)
        return -(p_m**gamma_neg) * log(1 - p_m)
    return 0.0


def asymmetric_loss(
    x: list[list[float]], y: list[list[int]], gamma_pos: float, gamma_neg: float, m: float
) -> list[list[float]]:
    return [
        [
            asymmetric(x_bc, y_bc, gamma_pos, gamma_neg, m)
            for x_bc, y_bc in zip(x_b, y_b, strict=True)
        ]
        for x_b, y_b in zip(x, y, strict=True)
    ]


def loss_of_labels(logits: list[list[float]], labels: list[list[int]]) -> float:
    """Return the loss of a batch at the default settings."""
    each = asymmetric_loss(logits, labels, 1.0, 2.0, 0.05)
    return sum(map(sum, each)) / len(logits)
