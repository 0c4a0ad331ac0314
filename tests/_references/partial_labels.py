"""Partial-label protocols one draw at a time, in the order the peers' loops make them."""

import numpy as np


def hcp(y, p, seed):
    u = np.random.RandomState(seed)
    return [[label if u.random_sample() < p else 0 for label in row] for row in y]


def exact(y, p, seed):
    u = np.random.RandomState(seed)
    drawn = [(u.random_sample(), i, j) for i, row in enumerate(y) for j in range(len(row))]
    known = sorted((draw, i, j) for draw, i, j in drawn if y[i][j] != 0)
    kept = {(i, j) for _, i, j in known[: int(p * len(known) + 0.5)]}
    return [
        [label if (i, j) in kept else 0 for j, label in enumerate(row)] for i, row in enumerate(y)
    ]


def spml(y, seed):
    rng = np.random.RandomState(seed)
    observed = []
    for row in y:
        positives = np.array([c for c, label in enumerate(row) if label == 1], dtype=np.int64)
        negatives = np.array([c for c, label in enumerate(row) if label != 1], dtype=np.int64)
        rng.shuffle(positives)
        rng.shuffle(negatives)
        observed.append([1 if c in positives[:1] else 0 for c in range(len(row))])
    return observed
