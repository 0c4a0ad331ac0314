"""The local score of TaI-DPT, one caption and category at a time."""

from math import exp

from tests._references.matching import Vector, cosine


def local_matching_scores(
    f: list[list[Vector]], g: list[Vector], tau: float, tau_s: float
) -> list[list[float]]:
    s: list[list[float]] = []
    for f_b in f:
        words = [f_bn for f_bn in f_b if any(f_bn)]
        s.append([])
        for g_c in g:
            cosines = [cosine(f_bn, g_c) for f_bn in words]
            weights = [exp(x / tau_s) for x in cosines]
            total = sum(weights)
            s[-1].append(sum(w / total * x for w, x in zip(weights, cosines, strict=True)) / tau)
    return s
