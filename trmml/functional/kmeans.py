"""A few means that stand for many vectors."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from trmml.functional.checks import check_axes

__all__ = ["kmeans"]


def kmeans(
    vectors: Float[Tensor, "classes capacity dim"],
    counts: Int[Tensor, " classes"],
    *,
    num_means: int,
    iterations: int = 10,
) -> tuple[Float[Tensor, "classes means dim"], Int[Tensor, " classes"]]:
    r"""Cluster the first vectors of each class by Lloyd's algorithm, which starts at some of them.

    Each vector goes to the nearest mean, each mean to the average of its vectors, several times.
    The start is every so many-th vector, so nothing is drawn.

    Source: [Lloyd](https://doi.org/10.1109/TIT.1982.1056489) (1982), as the prototypes of
    [SARB](https://arxiv.org/abs/2203.02172) (Pu et al., AAAI 2022) are made.
    Differs from the paper: a fixed number of rounds and a start that is not drawn.

    Args:
        vectors: Of each class, the first `counts` of which count.
        counts: How many vectors each class has.
        num_means: >= 1; a class with fewer vectors has as many means as vectors.
        iterations: Rounds, >= 0.

    Returns:
        The means, and how many of them each class has.

    Raises:
        ValueError: If shapes disagree or a number is outside its range.

    Examples:
        >>> vectors = torch.tensor([[[0.0], [1.0], [10.0], [11.0]]])
        >>> kmeans(vectors, torch.tensor([4]), num_means=2)
        (tensor([[[ 0.5000],
                 [10.5000]]]), tensor([2]))
    """
    check_axes(vectors=(vectors, "classes capacity dim"), counts=(counts, "classes"))
    if num_means < 1:
        raise ValueError(f"`num_means` must be at least 1, got {num_means}.")
    if iterations < 0:
        raise ValueError(f"`iterations` must be at least 0, got {iterations}.")
    found = counts.clamp(max=num_means)
    places = torch.arange(num_means, device=counts.device)
    start = places * counts[:, None] // found.clamp_min(1)[:, None]
    start = start.clamp(max=vectors.shape[1] - 1)
    means = vectors.gather(1, start[..., None].expand(-1, -1, vectors.shape[2]))
    there = torch.arange(vectors.shape[1], device=counts.device) < counts[:, None]
    spare = places >= found[:, None]
    for _ in range(iterations):
        distances = torch.cdist(vectors, means).masked_fill(spare[:, None], torch.inf)
        nearest = torch.nn.functional.one_hot(distances.argmin(dim=-1), num_means)
        members = (nearest * there[..., None]).to(vectors.dtype)
        sizes = members.sum(dim=1)
        moved = members.mT @ vectors / sizes.clamp_min(1)[..., None]
        means = torch.where(sizes[..., None] > 0, moved, means)
    return means, found
