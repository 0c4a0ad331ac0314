"""Cross-entropy of the known labels times g of the image's known share, one label at a time."""

from math import log

from tests._references.region_attention import sigmoid


def loss_of_labels(logits: list[list[float]], labels: list[list[int]]) -> float:
    """Return the loss of a batch at the default settings."""
    loss = 0.0
    for x_b, y_b in zip(logits, labels, strict=True):
        k = sum(y != 0 for y in y_b) / len(y_b)
        g = -4.45 * k + 5.45
        for x, y in zip(x_b, y_b, strict=True):
            if y == 1:
                loss += g * -log(sigmoid(x))
            if y == -1:
                loss += g * -log(1 - sigmoid(x))
    return loss / len(logits)
