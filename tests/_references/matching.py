"""Eq. 1 and 5, one image and one category at a time."""

from math import sqrt

Vector = list[float]


def cosine(x: Vector, y: Vector) -> float:
    dot = sum(a * b for a, b in zip(x, y, strict=True))
    length = sqrt(sum(a * a for a in x)) * sqrt(sum(b * b for b in y))
    return dot / length if length else 0.0


def matching_scores(f: list[list[Vector]], g: list[Vector], tau: float) -> list[list[float]]:
    return [[cosine(f_bc, g[c]) / tau for c, f_bc in enumerate(f_b)] for f_b in f]


def dual_matching_logits(
    f: list[list[Vector]], g_pos: list[Vector], g_neg: list[Vector], tau: float
) -> list[list[float]]:
    return [
        [(cosine(f_bc, g_pos[c]) - cosine(f_bc, g_neg[c])) / tau for c, f_bc in enumerate(f_b)]
        for f_b in f
    ]
