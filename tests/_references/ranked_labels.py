"""Completion by rank by loops, in the letters of `ranked_labels`."""

from collections.abc import Sequence
from math import floor

Matrix = Sequence[Sequence[float]]


def ranked(score: Matrix, y: Sequence[Sequence[int]], pi: Sequence[float], rho: float) -> list:
    """Add the highest and the lowest unknown labels of each class."""
    out = [[*row] for row in y]
    for c, share_present in enumerate(pi):
        unknown = [b for b in range(len(y)) if y[b][c] == 0]
        unknown.sort(key=lambda b: -score[b][c])
        n = len(unknown)
        for b in unknown[: floor(rho * share_present * n)]:
            out[b][c] = 1
        for b in unknown[n - floor(rho * (1 - share_present) * n) :]:
            out[b][c] = -1
    return out
