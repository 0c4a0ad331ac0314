"""A reliability diagram, label by label."""

from math import nan


def reliability(
    p: list[list[float]], y: list[list[int]], M: int
) -> tuple[list[int], list[float], list[float]]:
    counts, means, shares = [], [], []
    for m in range(1, M + 1):
        bin_: list[tuple[float, int]] = []
        for p_i, y_i in zip(p, y, strict=True):
            for p_ic, y_ic in zip(p_i, y_i, strict=True):
                inside = m - 1 <= M * p_ic < m or (m == M and p_ic == 1)
                if y_ic != 0 and inside:
                    bin_.append((p_ic, y_ic))
        counts.append(len(bin_))
        means.append(sum(p_ic for p_ic, _ in bin_) / len(bin_) if bin_ else nan)
        shares.append(sum(y_ic == 1 for _, y_ic in bin_) / len(bin_) if bin_ else nan)
    return counts, means, shares
