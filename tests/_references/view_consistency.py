"""What one view is sure of and teaches the other, one image and class at a time."""

from math import exp, log1p


def sure_positives(
    p: list[list[float]], y: list[list[int]], n: list[float], k: int, theta: float
) -> list[list[bool]]:
    chosen = []
    for p_b, y_b in zip(p, y, strict=True):
        best = sorted(range(len(p_b)), key=lambda c: -p_b[c])[:k]
        row = []
        for c, p_bc in enumerate(p_b):
            a = max(n[c] / max(*n, 1.0), 1 / len(p_b))
            row.append(c in best and p_bc >= theta * a / (2 - a) and y_b[c] != -1)
        chosen.append(row)
    return chosen


def bce(x: float, t: float) -> float:
    return t * log1p(exp(-x)) + (1 - t) * log1p(exp(x))


def view_consistency(
    x: list[list[float]],
    p: list[list[float]],
    chosen: list[list[bool]],
    y: list[list[int]],
    a: list[list[float]],
    weight: float,
) -> float:
    total = 0.0
    for b, x_b in enumerate(x):
        if not any(chosen[b]):
            continue
        for c, x_bc in enumerate(x_b):
            hard = 1.0 if chosen[b][c] or y[b][c] == 1 else 0.0
            mixed = sum(a[c][j] * p[b][j] for j in range(len(x_b)))
            soft = 0.0 if y[b][c] == -1 else min(max(mixed, 0.0), 1.0)
            total += bce(x_bc, hard) + weight * bce(x_bc, soft)
    return total / len(x) if x else 0.0
