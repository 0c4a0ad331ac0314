"""The bank of Eq. 7 as one queue per category."""

from collections import deque

from tests._references.matching import Vector
from tests._references.prototypes import prototype_similarity, top_features


class PrototypeBank:
    def __init__(self, C: int, ell: int, k: int) -> None:
        self.k = k
        self.V: list[deque[Vector]] = [deque(maxlen=ell) for _ in range(C)]

    def update(self, f: list[list[Vector]], e: list[list[Vector]], y: list[list[int]]) -> None:
        for b in range(len(f)):
            for c, queue in enumerate(self.V):
                if y[b][c] == 1:
                    for v in top_features(f[b], e[b][c], self.k):
                        queue.append(v)

    def similarity(self, f_r: list[list[Vector]]) -> list[list[float]]:
        return prototype_similarity(f_r, [[*queue] for queue in self.V], [len(q) for q in self.V])
