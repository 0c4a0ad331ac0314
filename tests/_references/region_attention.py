"""Eq. 2 to 4, and both energies, one position at a time."""

from math import exp, sqrt

from tests._references.matching import Vector, cosine

Energy = list[list[list[float]]]


def dot_energy(q: list[Vector], k: list[list[Vector]]) -> Energy:
    d = len(q[0])
    return [
        [
            [sum(a * b for a, b in zip(q_c, k_bn, strict=True)) / sqrt(d) for k_bn in k_b]
            for q_c in q
        ]
        for k_b in k
    ]


def aligned_energy(q: list[Vector], k: list[list[Vector]], s: float, b: float) -> Energy:
    return [[[s * cosine(q_c, k_bn) + b for k_bn in k_b] for q_c in q] for k_b in k]


def aligned_calibration(
    q: list[Vector], k: list[list[Vector]], deviations: float
) -> tuple[float, float]:
    cosines = [cosine(q_c, k_bn) for k_b in k for q_c in q for k_bn in k_b]
    mean = sum(cosines) / len(cosines)
    sd = sqrt(sum((x - mean) ** 2 for x in cosines) / len(cosines))
    s = 2 / sd
    return s, -s * (mean + deviations * sd)


def sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x))


def region_mask(e: Energy, normalization: str) -> Energy:
    r: Energy = []
    for e_b in e:
        r.append([])
        for e_bc in e_b:
            if normalization == "sigmoid":
                r[-1].append([sigmoid(x) for x in e_bc])
            else:
                total = sum(exp(x) for x in e_bc)
                r[-1].append([exp(x) / total for x in e_bc])
    return r


def weighted_sum(f: list[list[Vector]], r: Energy) -> list[list[Vector]]:
    result: list[list[Vector]] = []
    for f_b, r_b in zip(f, r, strict=True):
        result.append([])
        for r_bc in r_b:
            total = [0.0] * len(f_b[0])
            for n, f_bn in enumerate(f_b):
                for i, value in enumerate(f_bn):
                    total[i] += r_bc[n] * value
            result[-1].append(total)
    return result
