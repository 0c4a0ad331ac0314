"""Figures of several seeds in a few characters."""

import statistics
from collections.abc import Sequence


def mean_and_deviation(figures: Sequence[float], *, signed: bool = False) -> str:
    """Write both with one decimal; no deviation of a single figure."""
    mean = f"{statistics.mean(figures):{'+' if signed else ''}.1f}"
    return f"{mean} ± {statistics.stdev(figures):.1f}" if len(figures) > 1 else mean
