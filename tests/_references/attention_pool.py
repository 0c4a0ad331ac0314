"""CLIP's attention pool and its value path, position by position, with lists and loops alone."""

import math

Vector = list[float]
Matrix = list[Vector]


def affine(weight: Matrix, bias: Vector, x: Vector) -> Vector:
    return [bias[i] + sum(weight[i][j] * x[j] for j in range(len(x))) for i in range(len(weight))]


def dense(positions: Matrix, v: tuple[Matrix, Vector], c: tuple[Matrix, Vector]) -> Matrix:
    """f_p = c(v(x_p)) of every position."""
    return [affine(*c, affine(*v, x)) for x in positions]


def pooled(
    positions: Matrix,
    table: Matrix,
    q: tuple[Matrix, Vector],
    k: tuple[Matrix, Vector],
    v: tuple[Matrix, Vector],
    c: tuple[Matrix, Vector],
    heads: int,
) -> Vector:
    """c of the values, weighted by how the mean position attends to itself and to all others."""
    width = len(positions[0])
    mean = [sum(x[j] for x in positions) / len(positions) for j in range(width)]
    tokens = [[x[j] + table[p][j] for j in range(width)] for p, x in enumerate([mean, *positions])]
    query = affine(*q, tokens[0])
    keys = [affine(*k, x) for x in tokens]
    values = [affine(*v, x) for x in tokens]
    size = width // heads
    gathered: Vector = []
    for head in range(heads):
        channels = range(head * size, (head + 1) * size)
        scores = [sum(query[j] * key[j] for j in channels) / math.sqrt(size) for key in keys]
        total = sum(math.exp(s) for s in scores)
        for j in channels:
            gathered.append(
                sum(math.exp(scores[p]) / total * values[p][j] for p in range(len(tokens)))
            )
    return affine(*c, gathered)
