"""Self-paced loss correction, one label at a time."""

from math import log

from tests._references.region_attention import sigmoid


def splc(
    logits: list[list[float]],
    labels: list[list[int]],
    *,
    t: int,
    tau: float,
    gamma: float,
    m: float,
) -> float:
    """Return the sum over a batch in epoch t, from 0."""
    loss = 0.0
    for x_b, y_b in zip(logits, labels, strict=True):
        for x, y in zip(x_b, y_b, strict=True):
            p = sigmoid(x)
            if y == 1:
                p_m = sigmoid(x - m)
                loss += -((1 - p_m) ** gamma) * log(p_m)
            elif y == 0 and p > tau and t >= 1:
                loss += -((1 - p) ** gamma) * log(p)
            else:
                loss += -(p**gamma) * log(1 - p)
    return loss


def loss_of_labels(logits: list[list[float]], labels: list[list[int]]) -> float:
    """Return the loss of a batch at the default settings, before the first correction."""
    return splc(logits, labels, t=0, tau=0.6, gamma=2, m=1) / len(logits)
