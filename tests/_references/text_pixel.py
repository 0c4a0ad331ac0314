"""The class-specific region aggregation of DualCoOp, one image, category and position at a time."""

from math import exp

from tests._references.matching import Vector, cosine


def text_pixel_logits(
    f: list[list[Vector]], g_pos: list[Vector], g_neg: list[Vector], tau: float, tau_s: float
) -> tuple[list[list[float]], list[list[list[float]]]]:
    z: list[list[float]] = []
    e: list[list[list[float]]] = []
    for f_b in f:
        z.append([])
        e.append([])
        for g_pos_c, g_neg_c in zip(g_pos, g_neg, strict=True):
            e_bc = [(cosine(f_bn, g_pos_c) - cosine(f_bn, g_neg_c)) / tau for f_bn in f_b]
            weights = [exp(cosine(f_bn, g_pos_c) / tau_s) for f_bn in f_b]
            total = sum(weights)
            z[-1].append(sum(w / total * x for w, x in zip(weights, e_bc, strict=True)))
            e[-1].append(e_bc)
    return z, e
