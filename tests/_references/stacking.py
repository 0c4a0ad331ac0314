"""A stack by loops, in the letters of `fit_stacking`."""

from collections.abc import Sequence

Matrix = Sequence[Sequence[float]]


def standard(scores: Matrix) -> list[list[float]]:
    """Bring each class's scores of one kind to mean 0 and deviation 1."""
    images, classes = len(scores), len(scores[0])
    out = [[0.0] * classes for _ in range(images)]
    for c in range(classes):
        column = [scores[b][c] for b in range(images)]
        mu = sum(column) / images
        s = (sum((value - mu) ** 2 for value in column) / images) ** 0.5 or 1.0
        for b in range(images):
            out[b][c] = (column[b] - mu) / s
    return out


def not_negative(w: Sequence[float]) -> list[float]:
    """Let no kind count against what it says; where none counts, the first gives the order."""
    counts = [max(0.0, weight) for weight in w]
    return counts if any(counts) else [1e-3] + [0.0] * (len(w) - 1)


def summed(e: Sequence[Matrix], counts: Sequence[float]) -> list[list[float]]:
    """Add the standardised kinds up."""
    kinds = [standard(scores) for scores in e]
    return [
        [
            sum(count * kind[b][c] for count, kind in zip(counts, kinds, strict=True))
            for c in range(len(e[0][0]))
        ]
        for b in range(len(e[0]))
    ]
