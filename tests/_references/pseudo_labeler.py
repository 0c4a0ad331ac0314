"""Eq. 9 to 12 over a sequence of batches, one category at a time."""

from math import nan

from tests._references.prototypes import class_mean_similarity
from tests._references.thresholds import agreement, completed, estimate, updated_threshold

Similarities = list[list[list[float]]]


class PseudoLabeler:
    def __init__(self, C: int, modalities: int, eta: float, as_negative: int) -> None:
        self.eta, self.as_negative = eta, as_negative
        self.theta_pos = [[nan] * C for _ in range(modalities)]
        self.theta_neg = [[nan] * C for _ in range(modalities)]

    def update(self, s: Similarities, y: list[list[int]]) -> None:
        for m, s_m in enumerate(s):
            if not s_m:
                continue
            s_p = class_mean_similarity(s_m, y, 1)
            s_n = class_mean_similarity(s_m, y, self.as_negative)
            for c in range(len(s_p)):
                self.theta_pos[m][c] = updated_threshold(self.theta_pos[m][c], s_p[c], self.eta)
                self.theta_neg[m][c] = updated_threshold(self.theta_neg[m][c], s_n[c], self.eta)

    def complete(self, s: Similarities, y: list[list[int]]) -> list[list[int]]:
        result: list[list[int]] = []
        for b, y_b in enumerate(y):
            result.append([])
            for c, y_bc in enumerate(y_b):
                guesses = [
                    estimate(s[m][b][c], self.theta_pos[m][c], self.theta_neg[m][c])
                    for m in range(len(s))
                ]
                result[-1].append(completed(y_bc, agreement(guesses)))
        return result
