"""Large loss rejection and correction, one label at a time."""

from math import ceil, log

from tests._references.region_attention import sigmoid


def count(batch: int, classes: int, *, mode: str, t: int, delta: float) -> int:
    """Return how many losses epoch t, from 0, changes."""
    if mode == "correct_for_good":
        return ceil(batch * classes * delta) if t >= 1 else 0
    return ceil(batch * classes * t * delta)


def losses(
    logits: list[list[float]],
    labels: list[list[int]],
    *,
    mode: str,
    t: int,
    delta: float,
    kept: set[tuple[int, int]],
) -> tuple[list[list[float]], set[tuple[int, int]]]:
    """Return the loss of every label, and which were changed; `kept` are corrected for good."""
    found = [
        [
            -log(sigmoid(x)) if y == 1 or (y == 0 and (b, c) in kept) else -log(1 - sigmoid(x))
            for c, (x, y) in enumerate(zip(x_b, y_b, strict=True))
        ]
        for b, (x_b, y_b) in enumerate(zip(logits, labels, strict=True))
    ]
    open_ones = [
        (found[b][c], b, c)
        for b, y_b in enumerate(labels)
        for c, y in enumerate(y_b)
        if y == 0 and (b, c) not in kept
    ]
    k = count(len(logits), len(logits[0]), mode=mode, t=t, delta=delta)
    changed = {(b, c) for _, b, c in sorted(open_ones, reverse=True)[:k]}
    for b, c in changed:
        found[b][c] = 0.0 if mode == "reject" else -log(sigmoid(logits[b][c]))
    return found, changed


def loss_of_labels(logits: list[list[float]], labels: list[list[int]]) -> float:
    """Return the loss of a batch at the default settings, before the first rejection."""
    found, _ = losses(logits, labels, mode="reject", t=0, delta=0.002, kept=set())
    return sum(map(sum, found)) / len(logits)
