"""Cross-entropy with unknown labels as negative, one label at a time."""

from math import log

from tests._references.region_attention import sigmoid


def assume_negative(
    logits: list[list[float]],
    labels: list[list[int]],
    *,
    weak: bool,
    epsilon: float,
    epsilon_known: float,
) -> float:
    """Return the sum over a batch, with its own smoothing of known labels."""
    loss = 0.0
    for x_b, y_b in zip(logits, labels, strict=True):
        for x, y in zip(x_b, y_b, strict=True):
            p = sigmoid(x)
            e = epsilon if y == 0 else epsilon_known
            w = 1 / (len(y_b) - 1) if weak and y == 0 else 1
            if y == 1:
                loss += -w * ((1 - e) * log(p) + e * log(1 - p))
            else:
                loss += -w * ((1 - e) * log(1 - p) + e * log(p))
    return loss


def loss_of_labels(logits: list[list[float]], labels: list[list[int]]) -> float:
    """Return the loss of a batch at the default settings."""
    loss = assume_negative(logits, labels, weak=False, epsilon=0, epsilon_known=0)
    return loss / len(logits)
