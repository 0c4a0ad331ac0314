"""Eq. 2 to 4 through the decoder's layers, one position at a time."""

from math import erf, sqrt
from typing import NamedTuple

from tests._references import region_attention as attention
from tests._references.matching import Vector

Matrix = list[Vector]


class Layer(NamedTuple):
    W: Matrix
    b: Vector


class Layers(NamedTuple):
    q: Layer
    k: Layer
    v: Layer
    o: Layer
    mlp_1: Layer
    mlp_2: Layer


def linear(layer: Layer, x: Vector) -> Vector:
    return [
        sum(w * x_j for w, x_j in zip(row, x, strict=True)) + b_i
        for row, b_i in zip(layer.W, layer.b, strict=True)
    ]


def mlp(layers: Layers, x: Vector) -> Vector:
    hidden = [h * (1 + erf(h / sqrt(2))) / 2 for h in linear(layers.mlp_1, x)]
    return linear(layers.mlp_2, hidden)


def energy(
    f: list[Matrix], Q: Matrix, layers: Layers, form: str, s: float, b: float
) -> attention.Energy:
    q = [linear(layers.q, q_c) for q_c in Q]
    k = [[linear(layers.k, f_n) for f_n in f_b] for f_b in f]
    return attention.dot_energy(q, k) if form == "dot" else attention.aligned_energy(q, k, s, b)


def region_level(f: list[Matrix], e: attention.Energy, normalization: str) -> list[Matrix]:
    return attention.weighted_sum(f, attention.region_mask(e, normalization))


def query_level(f: list[Matrix], e: attention.Energy, layers: Layers) -> list[Matrix]:
    values = [[linear(layers.v, f_n) for f_n in f_b] for f_b in f]
    attended = attention.weighted_sum(values, attention.region_mask(e, "softmax"))
    F_q: list[Matrix] = []
    for attended_b in attended:
        F_q.append([])
        for a_bc in attended_b:
            A = linear(layers.o, a_bc)
            F_q[-1].append([x + y for x, y in zip(A, mlp(layers, A), strict=True)])
    return F_q
