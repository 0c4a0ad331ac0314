"""Graphs of classes, one pair at a time."""

from tests._references.matching import Vector, cosine


def co_occurrence(y: list[list[int]], classes: int) -> list[list[float]]:
    p = [[0.0] * classes for _ in range(classes)]
    for i in range(classes):
        with_i = [y_b for y_b in y if y_b[i] == 1]
        for j in range(classes):
            if with_i:
                p[i][j] = sum(y_b[j] == 1 for y_b in with_i) / len(with_i)
    return p


def shared_out(links: list[list[float]], p: float) -> list[list[float]]:
    a = []
    for i, row in enumerate(links):
        total = sum(row)
        a.append([p * link / total if total else 0.0 for link in row])
        a[i][i] = 1 - p
    return a


def reweighted_graph(probabilities: list[list[float]], tau: float, p: float) -> list[list[float]]:
    links = [
        [1.0 if value >= tau and i != j else 0.0 for j, value in enumerate(row)]
        for i, row in enumerate(probabilities)
    ]
    return shared_out(links, p)


def sparse_text_graph(t: list[Vector], top_k: int, p: float) -> list[list[float]]:
    links = []
    for i, t_i in enumerate(t):
        s = [(max(cosine(t_i, t_j), 0.0), j) for j, t_j in enumerate(t) if j != i]
        kept = {j: value for value, j in sorted(s, reverse=True)[:top_k]}
        links.append([kept.get(j, 0.0) for j in range(len(t))])
    return shared_out(links, p)
