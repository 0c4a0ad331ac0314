"""Evidence-guided matching with winner-take-all, one image, category and position at a time."""

from math import exp

from tests._references.matching import Vector, cosine


def evidence_logits(
    f: list[list[Vector]],
    g_pos: list[Vector],
    g_neg: list[Vector],
    g_e: list[Vector],
    tau_pos: float,
    tau_neg: float,
    tau_s: float,
    *,
    compete: bool,
) -> list[list[float]]:
    z: list[list[float]] = []
    for f_b in f:
        m = [[cosine(f_bn, g) for f_bn in f_b] for g in g_pos]
        r = [[1.0] * len(f_b) for _ in g_pos]
        if compete:
            for n in range(len(f_b)):
                best = max(m_c[n] for m_c in m)
                weights = [exp(200 * m_c[n] * best) for m_c in m]
                for c, weight in enumerate(weights):
                    r[c][n] += weight / sum(weights)
        z.append([])
        for c in range(len(g_pos)):
            look = [exp(cosine(f_bn, g_e[c]) / tau_s) for f_bn in f_b]
            e = [
                r[c][n] * m[c][n] / tau_pos - cosine(f_b[n], g_neg[c]) / tau_neg
                for n in range(len(f_b))
            ]
            z[-1].append(sum(w / sum(look) * x for w, x in zip(look, e, strict=True)))
    return z
