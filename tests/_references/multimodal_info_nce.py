"""Eq. 13 as printed, one anchor and one positive at a time."""

from math import exp, log

from tests._references.matching import Vector, cosine


def multimodal_info_nce(
    g: list[Vector],
    f_r: list[list[Vector]],
    y: list[list[int]],
    v: list[list[Vector]],
    ell: list[int],
    tau: float,
) -> float:
    samples: list[list[Vector]] = []
    for c in range(len(g)):
        batch = [f_r[b][c] for b in range(len(f_r)) if y[b][c] == 1]
        samples.append(batch + [v[c][j] for j in range(ell[c])])
    losses: list[float] = []
    for a, p_a in enumerate(g):
        if not samples[a]:
            continue
        negatives = 0.0
        for c, others in enumerate(samples):
            if c != a:
                negatives += sum(exp(cosine(p_a, q) / tau) for q in others)
        loss = 0.0
        for q in samples[a]:
            positive = exp(cosine(p_a, q) / tau)
            loss += -log(positive / (positive + negatives))
        losses.append(loss / len(samples[a]))
    return sum(losses) / len(losses) if losses else 0.0
