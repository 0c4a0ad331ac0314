"""Precision, recall and F1 counted entry by entry."""

import math


def counts(scores, labels, threshold, k, unknown):
    C = len(scores[0])
    T, D, P = [0] * C, [0] * C, [0] * C
    for row, y in zip(scores, labels, strict=True):
        order = sorted(range(C), key=lambda c: (-row[c], c))
        best = set(order[: C if k is None else k])
        for c in range(C):
            if y[c] == 0 and unknown == "exclude":
                continue
            decided = c in best and (threshold is None or row[c] >= threshold)
            T[c] += decided and y[c] == 1
            D[c] += decided
            P[c] += y[c] == 1
    return T, D, P


def harmonic(a, b):
    return 2 * a * b / (a + b) if a + b else 0.0


def families(scores, labels, threshold, k, unknown, empty):
    T, D, P = counts(scores, labels, threshold, k, unknown)
    OP = sum(T) / sum(D) if sum(D) else 0.0
    OR = sum(T) / sum(P) if sum(P) else 0.0
    used = [c for c in range(len(T)) if P[c] > 0 or empty == "zero"]
    precision = [T[c] / D[c] if D[c] else 0.0 for c in used]
    recall = [T[c] / P[c] if P[c] else 0.0 for c in used]
    if empty == "zero":
        precision = [p if P[c] else 0.0 for p, c in zip(precision, used, strict=True)]
    f1 = [2 * T[c] / (D[c] + P[c]) if P[c] else 0.0 for c in used]
    CP, CR = sum(precision) / len(used), sum(recall) / len(used)
    return {
        "OP": OP,
        "OR": OR,
        "OF1": harmonic(OP, OR),
        "CP": CP,
        "CR": CR,
        "CF1": harmonic(CP, CR),
        "macro_F1": sum(f1) / len(used) if used else math.nan,
    }
