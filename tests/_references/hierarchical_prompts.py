"""Contexts from super-classes and texts mixed on a graph, one node and one number at a time."""

from tests._references.label_graph import sparse_text_graph
from tests._references.matching import Vector

Matrix = list[Vector]


def text_graph(t: list[Vector], share: float) -> Matrix:
    """Link each node to a share of all, rounded down, of which it is one itself; at least one."""
    heard = len([k for k in range(1, len(t) + 1) if k <= share * len(t)])
    return sparse_text_graph(t, max(heard - 1, 1), 0.2)


def linear(x: Vector, weight: Matrix, bias: Vector | None = None) -> Vector:
    y = []
    for o, row in enumerate(weight):
        total = 0.0 if bias is None else bias[o]
        for w, x_i in zip(row, x, strict=True):
            total += w * x_i
        y.append(total)
    return y


def mixed(g: list[Vector], a: Matrix, weights: list[Matrix], gamma: float) -> list[Vector]:
    h = g
    for number, weight in enumerate(weights):
        heard = []
        for a_i in a:
            total = [0.0] * len(h[0])
            for a_ij, h_j in zip(a_i, h, strict=True):
                total = [value + a_ij * other for value, other in zip(total, h_j, strict=True)]
            heard.append(linear(total, weight))
        if number + 1 < len(weights):
            heard = [[x if x > 0 else 0.2 * x for x in row] for row in heard]
        h = heard
    return [
        [gamma * new + (1 - gamma) * old for new, old in zip(h_i, g_i, strict=True)]
        for h_i, g_i in zip(h, g, strict=True)
    ]


def context(h_s: Vector, layers: list[tuple[Matrix, Vector]], length: int) -> list[Vector]:
    (first, first_bias), (second, second_bias) = layers
    inner = [max(value, 0.0) for value in linear(h_s, first, first_bias)]
    flat = linear(inner, second, second_bias)
    width = len(flat) // length
    return [flat[i * width : (i + 1) * width] for i in range(length)]
