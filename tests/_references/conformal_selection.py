"""Conformal p-values and the selection of Benjamini and Hochberg, by counting."""


def p_values(s: list[float], z: list[float]) -> list[float]:
    return [(1 + sum(z_j >= s_i for z_j in z)) / (len(z) + 1) for s_i in s]


def selected(s: list[float], z: list[float], q: float) -> list[bool]:
    p = p_values(s, z)
    m, limit = len(p), 0.0
    for k in range(1, m + 1):
        kth = sorted(p)[k - 1]
        if kth <= k * q / m:
            limit = kth
    return [p_i <= limit for p_i in p]
