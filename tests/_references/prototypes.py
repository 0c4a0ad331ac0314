"""Eq. 7 to 9, one image and one category at a time."""

from math import isnan, nan, sqrt

from tests._references.matching import Vector, cosine


def top_features(f_b: list[Vector], r_bc: list[float], k: int) -> list[Vector]:
    strongest = sorted(range(len(r_bc)), key=lambda n: -r_bc[n])[:k]
    return [[x / sqrt(sum(y * y for y in f_b[n])) for x in f_b[n]] for n in strongest]


def prototype_similarity(
    f_r: list[list[Vector]], v: list[list[Vector]], ell: list[int]
) -> list[list[float]]:
    s: list[list[float]] = []
    for f_r_b in f_r:
        s.append([])
        for c, f_r_bc in enumerate(f_r_b):
            cosines = [cosine(f_r_bc, v[c][j]) for j in range(ell[c])]
            s[-1].append(sum(cosines) / ell[c] if ell[c] else nan)
    return s


def class_mean_similarity(s: list[list[float]], y: list[list[int]], label: int) -> list[float]:
    means: list[float] = []
    for c in range(len(s[0])):
        d_c = [s[b][c] for b in range(len(s)) if y[b][c] == label and not isnan(s[b][c])]
        means.append(sum(d_c) / len(d_c) if d_c else nan)
    return means
