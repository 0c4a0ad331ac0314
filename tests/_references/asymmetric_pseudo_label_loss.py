"""Entropy maximisation with asymmetric pseudo-labels, one label at a time."""

from math import ceil, log

from tests._references.region_attention import sigmoid


def pseudo_labels(
    scores: list[list[float | None]],
    pseudo: dict[tuple[int, int], float],
    *,
    epoch: int,
    first: int,
    last: int,
    share: float,
) -> dict[tuple[int, int], float]:
    """Return the soft labels of an epoch, from those of the one before; None is a known label."""
    found = dict(pseudo)
    if epoch < first:
        return found
    part = share * min(epoch - first + 1, last - first + 1) / (last - first + 1)
    for c in range(len(scores[0])):
        unknown = [(s_b[c], b) for b, s_b in enumerate(scores) if s_b[c] is not None]
        left = sorted((s, b) for s, b in unknown if s is not None and (b, c) not in found)
        already = len(unknown) - len(left)
        for s, b in left[: max(ceil(part * len(unknown)) - already, 0)]:
            found[b, c] = sigmoid(s)
    return found


def em_apl(
    logits: list[list[float]],
    labels: list[list[int]],
    pseudo: dict[tuple[int, int], float],
    *,
    alpha: float,
    beta: float,
) -> float:
    """Return the sum over a batch."""
    loss = 0.0
    for b, (x_b, y_b) in enumerate(zip(logits, labels, strict=True)):
        for c, (x, y) in enumerate(zip(x_b, y_b, strict=True)):
            p = sigmoid(x)
            if y == 1:
                loss += -log(p)
            elif y == -1:
                loss += -log(1 - p)
            elif (b, c) in pseudo:
                q = pseudo[b, c]
                loss += beta * (-q * log(p) - (1 - q) * log(1 - p))
            else:
                loss += -alpha * (-p * log(p) - (1 - p) * log(1 - p))
    return loss


def loss_of_labels(logits: list[list[float]], labels: list[list[int]]) -> float:
    """Return the loss of a batch at the default settings, before the first soft label."""
    return em_apl(logits, labels, {}, alpha=0.1, beta=0.9) / len(logits)
