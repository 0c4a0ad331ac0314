"""SSGRL, SST and SARB: one image, class and position at a time, in the papers' letters."""

from math import exp, tanh

import torch
from torch import Tensor

from tests._references.matching import Vector, cosine


def sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x))


def decoupled(
    f: Tensor, x: Tensor, position: torch.nn.Linear, word: torch.nn.Linear, score: torch.nn.Linear
) -> list[Tensor]:
    found = []
    for x_c in x:
        a = []
        for f_n in f:
            u, v = position(f_n).tolist(), word(x_c).tolist()
            inner = [tanh(p * q) for p, q in zip(u, v, strict=True)]
            w = score.weight[0].tolist()
            a.append(sum(p * q for p, q in zip(w, inner, strict=True)))
        total = sum(exp(value) for value in a)
        found.append(sum((exp(v) / total * f_n for v, f_n in zip(a, f, strict=True)), 0 * f[0]))
    return found


def gated_step(h: list[Tensor], p: Tensor, graph: torch.nn.Module) -> list[Tensor]:
    new = []
    heard, kept, renewed = (getattr(graph, name) for name in ("heard", "kept", "renewed"))
    for c, h_c in enumerate(h):
        zero = torch.zeros_like(h_c)
        into = sum((p[j, c] * h_j for j, h_j in enumerate(h)), zero)
        out = sum((p[c, j] * h_j for j, h_j in enumerate(h)), zero)
        w_z, w_r, w = heard(torch.cat([into, out])).chunk(3)
        u_z, u_r = kept(h_c).chunk(2)
        z, r = torch.sigmoid(w_z + u_z), torch.sigmoid(w_r + u_r)
        new.append((1 - z) * h_c + z * torch.tanh(w + renewed(r * h_c)))
    return new


def class_contrast(f: list[list[Vector]], y: list[list[int]]) -> float:
    alike, unlike = [], []
    for a in range(len(y)):
        for b in range(a + 1, len(y)):
            for c in range(len(y[0])):
                if 0 in (y[a][c], y[b][c]):
                    continue
                cos = cosine(f[a][c], f[b][c])
                if y[a][c] == y[b][c] == 1:
                    alike.append(1 - cos)
                else:
                    unlike.append(1 + cos)
    return sum(sum(part) / len(part) for part in (alike, unlike) if part)


def kmeans(v: list[Vector], k: int, rounds: int) -> list[Vector]:
    k = min(k, len(v))
    means = [v[j * len(v) // k] for j in range(k)]
    for _ in range(rounds):
        groups: list[list[Vector]] = [[] for _ in means]
        for x in v:
            distances = [sum((p - q) ** 2 for p, q in zip(x, m, strict=True)) for m in means]
            groups[distances.index(min(distances))].append(x)
        means = [
            [sum(column) / len(group) for column in zip(*group, strict=True)] if group else mean
            for group, mean in zip(groups, means, strict=True)
        ]
    return means


def transferred_scores(o: list[list[list[float]]], y: list[list[int]]) -> list[list[float]]:
    scores = []
    for o_b, y_b in zip(o, y, strict=True):
        there = [j for j, label in enumerate(y_b) if label == 1]
        scores.append(
            [
                sum(sigmoid(o_b[c][j]) for j in there) / len(there) if there else 0.0
                for c in range(len(y_b))
            ]
        )
    return scores
