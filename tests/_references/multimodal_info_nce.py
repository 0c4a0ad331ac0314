"""Eq. 13 as printed, and from a draw of its prototypes, one anchor and one positive at a time."""

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


def drawn_multimodal_info_nce(
    g: list[Vector],
    f_r: list[list[Vector]],
    y: list[list[int]],
    v: list[list[Vector]],
    ell: list[int],
    tau: float,
    drawn: list[tuple[int, int]],
) -> float:
    """Return the estimate from the slots that were drawn, each a category and a place in it."""
    M, m = sum(ell), len(drawn)
    w = M / m
    S: list[tuple[int, float, Vector]] = []  # whose, how many it stands for, and the vector
    for b in range(len(f_r)):
        S += [(c, 1.0, f_r[b][c]) for c in range(len(g)) if y[b][c] == 1]
    S += [(c, w, v[c][j]) for c, j in drawn]
    num_anchors, total = 0, 0.0
    for a, p_a in enumerate(g):
        P_a = ell[a] + sum(y[b][a] == 1 for b in range(len(f_r)))
        if P_a == 0:
            continue
        num_anchors += 1
        negatives = 0.0
        for c, w_q, q in S:
            if c != a:
                negatives += w_q * exp(cosine(p_a, q) / tau)
        for c, w_q, q in S:
            if c == a:
                positive = exp(cosine(p_a, q) / tau)
                total += -w_q * log(positive / (positive + negatives)) / P_a
    return total / num_anchors if num_anchors else 0.0


def log_sum_over_negatives(
    a: int, p_a: Vector, v: list[list[Vector]], tau: float, S: list[tuple[int, int]], w: float
) -> float:
    """Return the log of the weighted sum over prototypes of other categories."""
    return log(sum(w * exp(cosine(p_a, v[c][j]) / tau) for c, j in S if c != a))
