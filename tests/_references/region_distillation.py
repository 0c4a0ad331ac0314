"""Eq. 6, one category at a time."""

from math import exp, log

from tests._references.region_attention import sigmoid


def bernoulli(z_r: list[list[float]], z_q: list[list[float]], t: float) -> float:
    loss = 0.0
    for z_r_b, z_q_b in zip(z_r, z_q, strict=True):
        for r, q in zip(z_r_b, z_q_b, strict=True):
            p_r, p_q = sigmoid(r / t), sigmoid(q / t)
            loss += p_r * log(p_r / p_q) + (1 - p_r) * log((1 - p_r) / (1 - p_q))
    return loss / len(z_r)


def softmax(z_r: list[list[float]], z_q: list[list[float]], t: float) -> float:
    loss = 0.0
    for z_r_b, z_q_b in zip(z_r, z_q, strict=True):
        total_r, total_q = sum(exp(r / t) for r in z_r_b), sum(exp(q / t) for q in z_q_b)
        for r, q in zip(z_r_b, z_q_b, strict=True):
            p_r, p_q = exp(r / t) / total_r, exp(q / t) / total_q
            loss += p_r * log(p_r / p_q)
    return loss / len(z_r)
