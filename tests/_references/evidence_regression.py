"""The penalised likelihood of labels given evidence, its slope and its curvature, cell by cell."""

from math import exp, log1p


def objective(
    x: list[list[float]],
    c: list[int],
    t: list[int],
    w: list[float],
    o: list[float],
    m: list[float],
    s: list[float],
    tau: float,
) -> float:
    total = 0.0
    for x_i, c_i, t_i in zip(x, c, t, strict=True):
        eta = o[c_i]
        for w_f, x_if in zip(w, x_i, strict=True):
            eta += w_f * x_if
        total += log1p(exp(-t_i * eta))
    for w_f, m_f, s_f in zip(w, m, s, strict=True):
        total += (w_f - m_f) ** 2 / (2 * s_f**2)
    for o_c in o:
        total += o_c**2 / (2 * tau**2)
    return total


def curvature(
    x: list[list[float]],
    c: list[int],
    w: list[float],
    o: list[float],
    s: list[float],
    tau: float,
) -> list[list[float]]:
    """Return the whole matrix of second derivatives: first the weights, then the offsets."""
    F, C = len(w), len(o)
    H = [[0.0] * (F + C) for _ in range(F + C)]
    for f in range(F):
        H[f][f] = 1 / s[f] ** 2
    for k in range(C):
        H[F + k][F + k] = 1 / tau**2
    for x_i, c_i in zip(x, c, strict=True):
        row = [*x_i, *[float(k == c_i) for k in range(C)]]
        eta = sum(a * b for a, b in zip(row, [*w, *o], strict=True))
        p = 1 / (1 + exp(-eta))
        for a in range(F + C):
            for b in range(F + C):
                H[a][b] += p * (1 - p) * row[a] * row[b]
    return H
