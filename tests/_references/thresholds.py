"""Eq. 10 to 12, one value at a time."""

from math import isnan


def updated_threshold(theta: float, s: float, eta: float) -> float:
    if isnan(s):
        return theta
    if isnan(theta):
        return s
    return eta * theta + (1 - eta) * s


def estimate(s: float, theta_pos: float, theta_neg: float) -> int:
    if isnan(s) or isnan(theta_pos) or isnan(theta_neg):
        return 0
    if s >= theta_pos and s > theta_neg:
        return 1
    if s <= theta_neg and s < theta_pos:
        return -1
    return 0


def agreement(estimates: list[int]) -> int:
    for label in (1, -1):
        if all(y == label for y in estimates):
            return label
    return 0


def completed(y: int, estimated: int) -> int:
    return estimated if y == 0 else y
