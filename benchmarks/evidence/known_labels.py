"""Which labels are known: at random, one positive of each image, wrong ones, or not at random.

Known are, by name: `0.1`, a tenth of all, as the field hides them; `single`, a positive of each
image; `0.1-wrong-0.05`, a tenth, one in twenty of them with the other sign; `0.1-frequent`, as
many, but those of a class in proportion to the class's positives; `0.1-salient`, as many positives
and as many negatives, but the positives in proportion to the area that shows them, as people name
what strikes them.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from trmml.data import hide_labels, keep_single_positive
from trmml.labels import NEGATIVE, POSITIVE, UNKNOWN, Labels

Areas = Float[Tensor, "images classes"]


def known_labels(truth: Labels, known: str, *, seed: int, areas: Areas | None) -> Labels:
    """Hide what is not known.

    Args:
        truth: Complete labels.
        known: See above.
        seed: Of all draws.
        areas: Share of each image that shows each class; None where nobody measured.

    Raises:
        ValueError: If salience is asked for and there are no areas.
    """
    if known == "single":
        return keep_single_positive(truth, seed=seed)
    share, _, way = known.partition("-")
    random = hide_labels(truth, float(share), seed=seed)
    if not way:
        return random
    generator = torch.Generator().manual_seed(seed)
    if way == "frequent":
        weights = (truth == POSITIVE).double().mean(dim=0).expand(truth.shape)
        return drawn(truth, weights, int((random != UNKNOWN).sum()), generator)
    if way == "salient":
        if areas is None:
            raise ValueError("`areas` are needed to keep what is salient, got None.")
        known_positives = int((random == POSITIVE).sum())
        weights = areas.double() * (truth == POSITIVE)
        kept = drawn(truth, weights, known_positives, generator)
        return torch.where(random == NEGATIVE, random, kept)
    wrong = torch.rand(truth.shape, generator=generator) < float(way.removeprefix("wrong-"))
    return torch.where(wrong, -random, random)


def drawn(
    truth: Labels, weights: Float[Tensor, "images classes"], count: int, generator: torch.Generator
) -> Labels:
    """Keep so many labels, drawn without replacement by their weights; none of weight 0."""
    noise = torch.empty(truth.shape, dtype=torch.float64).exponential_(generator=generator)
    order = (weights / noise).flatten().topk(count).indices  # Efraimidis and Spirakis's keys
    kept = torch.zeros(truth.numel(), dtype=torch.bool)
    kept[order] = True
    return truth.masked_fill(~kept.view(truth.shape), UNKNOWN)
