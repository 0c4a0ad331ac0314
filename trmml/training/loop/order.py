"""Which images make each step: decided by the seed alone, however often it stopped."""

import torch
from jaxtyping import Int
from torch import Tensor

__all__ = ["calibration_rows", "epoch_steps", "num_steps"]


def num_steps(num_images: int, batch_size: int) -> int:
    """Return the steps of an epoch; the last one may be smaller."""
    return -(-num_images // batch_size)


def epoch_steps(
    num_images: int, batch_size: int, *, seed: int, epoch: int
) -> list[Int[Tensor, " _"]]:
    """Return the rows of each step of an epoch, over all processes.

    Args:
        num_images: Rows to shuffle.
        batch_size: Rows of each step but the last.
        seed: Of the order of all epochs.
        epoch: From 0.
    """
    return list(_permutation(num_images, seed=seed, number=epoch + 1).split(batch_size))


def calibration_rows(num_images: int, *, seed: int, num_wanted: int) -> Int[Tensor, " rows"]:
    """Return the rows that a task is calibrated by: so many, or all there are."""
    return _permutation(num_images, seed=seed, number=0)[:num_wanted]


def _permutation(num_images: int, *, seed: int, number: int) -> Int[Tensor, " rows"]:
    """Draw all permutations up to this one: cheap, and no state has to be kept between epochs."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(number):
        torch.randperm(num_images, generator=generator)
    return torch.randperm(num_images, generator=generator)
