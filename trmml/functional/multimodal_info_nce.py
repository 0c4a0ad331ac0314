"""Contrast between the text of a category and regions, of its own and of the others."""

from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from trmml.functional.cell_numbers import cell_numbers
from trmml.functional.checks import check_axes, check_temperature
from trmml.functional.full_precision import full_precision
from trmml.functional.in_blocks import in_blocks
from trmml.functional.positive_pairs import NOBODY, positive_pairs
from trmml.functional.unit_vectors import unit_vectors
from trmml.functional.values_at_hand import values_are_at_hand
from trmml.labels import Labels

__all__ = [
    "Candidates",
    "candidate_info_nce",
    "check_inputs",
    "check_num_sampled",
    "multimodal_info_nce",
    "positive_regions",
    "stored_prototypes",
]

ABSENT: Final = -1e30
"""Score of a candidate that is not there: far below any real one, yet finite, so that an empty
set of negatives gives a zero gradient instead of nan."""

SCORES_AT_ONCE: Final = 2**24
"""Most scores held at a time: 64 MiB in float32, and a few times that with what is made of them."""


class Candidates(NamedTuple):
    """Regions of a batch, or prototypes of a bank, that texts are compared with.

    Attributes:
        features: One vector each, any length.
        owners: Category of each; -1 for one that is not there.
        counts: How many there are of each category where only some were drawn; None if all are
            here.
        stand_for: How many each of these stands for, on average.
    """

    features: Float[Tensor, "candidates dim"]
    owners: Int[Tensor, " candidates"]
    counts: Int[Tensor, " classes"] | None = None
    stand_for: float | Float[Tensor, ""] = 1.0


def multimodal_info_nce(
    region_features: Float[Tensor, "batch classes dim"],
    text_features: Float[Tensor, "classes dim"],
    labels: Labels,
    prototypes: Float[Tensor, "classes capacity dim"] | None = None,
    counts: Int[Tensor, " classes"] | None = None,
    *,
    temperature: float | Float[Tensor, ""] = 0.07,
    num_sampled: int | None = None,
    generator: torch.Generator | None = None,
) -> Float[Tensor, ""]:
    r"""Draw each category's text to its own regions and away from those of other categories.

    $$ L_{NCE} = \frac1{|A|} \sum_{a \in A} \frac1{|P_a|} \sum_{q_+ \in P_a} -\log
       \frac{\exp(p_a \cdot q_+ / \tau)}
            {\exp(p_a \cdot q_+ / \tau) + \sum_{q_- \in N_a} \exp(p_a \cdot q_- / \tau)} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $p_a$ | `unit_vectors(text_features)` | text of category a, the anchor |
    | $P_a$ | `labels[:, a] == 1`, first `counts[a]` slots | its regions and prototypes |
    | $N_a$ | $P_c$ of all $c \ne a$ | regions and prototypes of the others |
    | $A$ | categories with some $P_a$ | the others are skipped |
    | $\tau$ | `temperature` | sharpness, may be learnt |
    | $m$, $M$ | `num_sampled`, `counts.sum()` | prototypes drawn, and all there are |

    Each positive stands alone against the negatives: other positives are not in its denominator.
    With $z$ the log of the sum over negatives, a term is $-\log\sigma(p_a \cdot q_+/\tau - z)$.

    The sums over $N_a$ set every anchor against every prototype, so that work grows with the square
    of the number of categories; nothing else does. With `num_sampled`, m of the M prototypes are
    drawn, all with the same chance, and stand for the others. With S the drawn prototypes and all
    regions of the batch, and $w_q = M/m$ for a prototype, 1 for a region,

    $$ \hat L = \frac1{|A|} \sum_{a \in A} \frac1{|P_a|} \sum_{q_+ \in P_a \cap S}
       -w_{q_+} \log\sigma\Big(\frac{p_a \cdot q_+}\tau - \hat z_a\Big), \qquad
       \hat z_a = \log \sum_{q_- \in N_a \cap S} w_{q_-} \exp\frac{p_a \cdot q_-}\tau $$

    The mean of $\exp \hat z_a$ over all draws is $\exp z_a$. That of $\hat z_a$ is lower, as a log
    is concave, and so is the loss; the less so, the larger m. Up to M = m it is the loss itself.

    Source: Eq. (13) of [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM Multimedia
    2024), after [InfoNCE](https://arxiv.org/abs/1807.03748) (van den Oord et al., 2018).
    Differs from the paper: `num_sampled` is an addition; the mean over anchors, which the paper
    leaves open, is spelt out.

    Args:
        region_features: One feature per image and category, any length; only those of known
            positives are read.
        text_features: One text embedding per category, any length.
        labels: Labels of the batch; 0 and -1 are treated alike.
        prototypes: Bank of features, any length; filled slots come first. None: batch only.
        counts: Filled slots per category; needed with `prototypes`.
        temperature: Divides the cosines, > 0 (paper: not given; 0.07 is the field's habit).
            Small values look only at the hardest negative, large ones at all alike.
        num_sampled: Most prototypes to look at, >= 1; None looks at all.
        generator: Source of the draw, on the CPU; None draws from the global state.

    Returns:
        Loss in nats, float32 for half-precision input; an anchor without negatives adds 0, and
        without any positive the loss is 0, with zero gradient. Memory grows with the number of
        candidates, time with their product with that of the categories they are of. Gradients are
        computed in float32 too and rounded at the very end; those of float16 features shorter
        than about `2e-5 / temperature` may lie beyond what float16 holds.

    Raises:
        ValueError: If shapes disagree, as they do where regions and texts are swapped, only one
            of `prototypes` and `counts` is given, `temperature` is a number that is not finite
            and above 0, or `num_sampled` is below 1.

    Examples:
        >>> import torch
        >>> region_features, text_features = torch.eye(2).expand(3, 2, 2), torch.eye(2)
        >>> labels = torch.tensor([[1, 0], [0, 1], [1, -1]])
        >>> multimodal_info_nce(region_features, text_features, labels, temperature=1.0)
        tensor(0.4324)
    """
    check_temperature(temperature)
    check_num_sampled(num_sampled)
    check_inputs(region_features, text_features, labels, prototypes, counts)
    candidates = [positive_regions(region_features, labels)]
    if prototypes is not None and counts is not None:
        stored = stored_prototypes(prototypes, counts, num_sampled, generator=generator)
        candidates.append(stored)
    return candidate_info_nce(text_features, candidates, temperature=temperature)


def check_num_sampled(value: int | None) -> None:
    """Refuse to look at less than one prototype."""
    if value is not None and value < 1:
        raise ValueError(f"`num_sampled` must be at least 1, or None for all, got {value}.")


def check_inputs(
    region_features: Tensor,
    text_features: Tensor,
    labels: Tensor,
    prototypes: Tensor | None,
    counts: Tensor | None,
) -> None:
    """Refuse shapes that disagree, and one half of a bank without the other."""
    if (prototypes is None) != (counts is None):
        raise ValueError(
            "`prototypes` and `counts` must be given together, got only "
            f"`{'counts' if prototypes is None else 'prototypes'}`; pass both from the same bank."
        )
    arguments = {
        "region_features": (region_features, "batch classes dim"),
        "text_features": (text_features, "classes dim"),
        "labels": (labels, "batch classes"),
    }
    if prototypes is not None and counts is not None:
        arguments["prototypes"] = (prototypes, "classes capacity dim")
        arguments["counts"] = (counts, "classes")
    check_axes(**arguments)


def positive_regions(
    region_features: Float[Tensor, "batch classes dim"],
    labels: Labels,
    *,
    most_positives: int | None = None,
) -> Candidates:
    """Return the regions of known positives, image by image.

    Args:
        region_features: One feature per image and category.
        labels: Labels of the batch.
        most_positives: Known positives that no image has more of, as `positive_pairs` takes it.
    """
    images, columns, owners = positive_pairs(labels, most=most_positives)
    features = region_features[images, columns]
    if not values_are_at_hand(labels):
        features = torch.where((owners != NOBODY)[:, None], features, 0)
    return Candidates(features, owners)


def stored_prototypes(
    prototypes: Float[Tensor, "classes capacity dim"],
    counts: Int[Tensor, " classes"],
    num_sampled: int | None = None,
    *,
    generator: torch.Generator | None = None,
    number: Int[Tensor, ""] | None = None,
) -> Candidates:
    """Return the prototypes in filled slots, or as many of them as are to be drawn.

    Args:
        prototypes: Bank of features.
        counts: Filled slots per category.
        num_sampled: Most prototypes to return; None returns all.
        generator: Source of the draw where values are at hand; None draws from the global state.
        number: Of the draw where they are not: the same number draws the same; None takes one from
            `generator`.
    """
    capacity = prototypes.shape[1]
    filled = torch.arange(capacity, device=counts.device) < counts[:, None]
    if num_sampled is not None and filled.numel() > num_sampled:
        if not values_are_at_hand(counts):
            if number is None:
                number = torch.randint(2**62, (), generator=generator)
            return _drawn_unseen(prototypes, counts, filled, num_sampled, number=number)
        places = filled.flatten().nonzero()[:, 0]
        if len(places) > num_sampled:
            drawn = torch.randperm(len(places), generator=generator)[:num_sampled]
            drawn = places[drawn.to(places.device)]
            features = prototypes.flatten(0, 1).index_select(0, drawn)
            return Candidates(features, drawn // capacity, counts, len(places) / num_sampled)
    category = torch.arange(len(counts), device=counts.device)[:, None]
    owners = torch.where(filled, category, NOBODY)
    if values_are_at_hand(counts):  # few slots are filled at first
        return Candidates(prototypes[filled], owners[filled])
    kept = torch.where(filled[:, :, None], prototypes, 0)
    return Candidates(kept.flatten(0, 1), owners.flatten())


def _drawn_unseen(
    prototypes: Float[Tensor, "classes capacity dim"],
    counts: Int[Tensor, " classes"],
    filled: Bool[Tensor, "classes capacity"],
    num_sampled: int,
    *,
    number: Int[Tensor, ""],
) -> Candidates:
    """Draw prototypes without a look at how many there are: all of them, if these are few."""
    capacity = filled.shape[1]
    rows = torch.arange(len(counts), device=counts.device)
    chance = cell_numbers(rows, capacity, seed=number).masked_fill(~filled, torch.inf)
    drawn = chance.flatten().topk(num_sampled, largest=False).indices
    there = filled.flatten()[drawn]
    features = torch.where(there[:, None], prototypes.flatten(0, 1)[drawn], 0)
    owners = torch.where(there, drawn // capacity, NOBODY)
    stand_for = (counts.sum() / num_sampled).clamp_min(1).to(features.dtype)
    return Candidates(features, owners, counts, stand_for)


def candidate_info_nce(
    text_features: Float[Tensor, "classes dim"],
    candidates: Sequence[Candidates],
    *,
    temperature: float | Float[Tensor, ""],
) -> Float[Tensor, ""]:
    """Return the loss of `multimodal_info_nce`, given the regions and the prototypes that count.

    Args:
        text_features: One text embedding per category, any length.
        candidates: Regions, and prototypes if there are some.
        temperature: Divides the cosines, > 0.
    """
    features = unit_vectors(torch.cat([group.features for group in candidates]))
    owners = torch.cat([group.owners for group in candidates])
    present, owner = owners >= 0, owners.clamp_min(0)
    counts = [_num_positives(group, len(text_features)) for group in candidates]
    num_positives = torch.stack(counts).sum(dim=0)
    weights = torch.cat([features.new_ones(g.owners.shape) * g.stand_for for g in candidates])
    with full_precision(text_features.device):
        anchors = unit_vectors(text_features) / temperature
        positives = (anchors[owner] * features).sum(dim=-1)
        negatives = _log_sums_over_rivals(anchors, features, owners, weights.log())
    terms = torch.where(present, -weights * F.logsigmoid(positives - negatives[owner]), 0)
    per_anchor = terms / num_positives[owner].clamp_min(1)
    return per_anchor.sum() / (num_positives > 0).sum().clamp_min(1)


def _num_positives(candidates: Candidates, num_classes: int) -> Int[Tensor, " classes"]:
    if candidates.counts is not None:
        return candidates.counts
    owners = candidates.owners
    zeros = owners.new_zeros(num_classes)
    return zeros.index_add(0, owners.clamp_min(0), (owners >= 0).to(zeros))


def _log_sums_over_rivals(
    anchors: Float[Tensor, "classes dim"],
    features: Float[Tensor, "candidates dim"],
    owners: Int[Tensor, " candidates"],
    log_weights: Float[Tensor, " candidates"],
) -> Float[Tensor, " classes"]:
    """Return the log of the sum over each anchor's negatives; 0 for categories of no candidate."""
    log_sums = partial(_log_sums, features=features, owners=owners, log_weights=log_weights)
    size = max(SCORES_AT_ONCE // max(len(features), 1), 1)
    if not values_are_at_hand(owners):
        every = torch.arange(len(anchors), device=owners.device)
        return in_blocks(log_sums, anchors, every, size=size)
    owns = owners.new_zeros(len(anchors)).index_fill(0, owners[owners != NOBODY], 1)
    category = owns.nonzero()[:, 0]
    found = in_blocks(log_sums, anchors[category], category, size=size)
    return anchors.new_zeros(len(anchors)).index_copy(0, category, found)


def _log_sums(
    anchors: Float[Tensor, "block dim"],
    category: Int[Tensor, " block"],
    *,
    features: Float[Tensor, "candidates dim"],
    owners: Int[Tensor, " candidates"],
    log_weights: Float[Tensor, " candidates"],
) -> Float[Tensor, " block"]:
    scores = torch.addmm(log_weights, anchors, features.T)
    rival = (owners != category[:, None]) & (owners != NOBODY)
    return torch.where(rival, scores, ABSENT).logsumexp(dim=1)
