"""Where a ranking may be cut, by counting what lies above each candidate."""

from math import inf, sqrt


def lower_bound(k: int, n: int, z: float) -> float:
    if n == 0:
        return 0.0
    p = k / n
    return (p + z**2 / (2 * n) - z * sqrt(p * (1 - p) / n + z**2 / (4 * n**2))) / (1 + z**2 / n)


def threshold(
    u: list[float],
    p: list[float],
    held: list[float],
    right: list[bool],
    q: float,
    z: float,
    candidates: list[float],
) -> float:
    best = inf
    for t in candidates:
        above = [p_i for u_i, p_i in zip(u, p, strict=True) if u_i >= t]
        checked = [r for h, r in zip(held, right, strict=True) if h >= t]
        if not above or sum(above) / len(above) < q:
            continue
        if len(checked) >= 10 and lower_bound(sum(checked), len(checked), z) >= q:
            best = min(best, t)
    return best
