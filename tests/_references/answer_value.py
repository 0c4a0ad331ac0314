"""What a person's answer is worth, for one label at a time."""

from math import log2, sqrt


def answer_value(p: float, n: int) -> float:
    learnt = 0.0
    for q in (p, 1 - p):
        if q > 0:
            learnt -= q * log2(q)
    return learnt / sqrt(1 + n)
