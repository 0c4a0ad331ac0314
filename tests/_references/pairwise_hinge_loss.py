"""The ranking hinge, one pair at a time."""


def loss_of_labels(logits: list[list[float]], labels: list[list[int]]) -> float:
    """Return the loss of a batch at the default settings."""
    loss = 0.0
    for x, y in zip(logits, labels, strict=True):
        for i in range(len(y)):
            for j in range(len(y)):
                if y[i] == 1 and y[j] == -1:
                    loss += max(0, 1 - x[i] + x[j])
    return loss / len(logits)
