"""Contrast between the text of a category and regions, of its own and of the others."""

from functools import partial
from typing import Final

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from trmml.functional.checks import check_axes, check_temperature
from trmml.functional.full_precision import full_precision
from trmml.functional.in_blocks import in_blocks
from trmml.functional.unit_vectors import unit_vectors
from trmml.labels import POSITIVE, Labels

__all__ = [
    "candidate_info_nce",
    "check_inputs",
    "multimodal_info_nce",
    "positive_regions",
    "stored_prototypes",
]

ABSENT: Final = -1e30
"""Score of a candidate that is not there: far below any real one, yet finite, so that an empty
set of negatives gives a zero gradient instead of nan."""

NOBODY: Final = -1
"""Owner of a candidate that is not there."""

SCORES_AT_ONCE: Final = 2**24
"""Most scores held at a time: 64 MiB in float32, and a few times that with what is made of them."""


def multimodal_info_nce(
    region_features: Float[Tensor, "batch classes dim"],
    text_features: Float[Tensor, "classes dim"],
    labels: Labels,
    prototypes: Float[Tensor, "classes capacity dim"] | None = None,
    counts: Int[Tensor, " classes"] | None = None,
    *,
    temperature: float | Float[Tensor, ""] = 0.07,
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

    Each positive stands alone against the negatives: other positives are not in its denominator.
    With $z$ the log of the sum over negatives, a term is $-\log\sigma(p_a \cdot q_+/\tau - z)$.

    Source: Eq. (13) of [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM Multimedia
    2024), after [InfoNCE](https://arxiv.org/abs/1807.03748) (van den Oord et al., 2018).
    Differs from the paper: nothing; the mean over anchors, which it leaves open, is spelt out.

    Args:
        region_features: One feature per image and category, any length; only those of known
            positives are read.
        text_features: One text embedding per category, any length.
        labels: Labels of the batch; 0 and -1 are treated alike.
        prototypes: Bank of features, any length; filled slots come first. None: batch only.
        counts: Filled slots per category; needed with `prototypes`.
        temperature: Divides the cosines, > 0 (paper: not given; 0.07 is the field's habit).
            Small values look only at the hardest negative, large ones at all alike.

    Returns:
        Loss in nats, float32 for half-precision input; an anchor without negatives adds 0, and
        without any positive the loss is 0, with zero gradient. Memory grows with the number of
        positives and prototypes, time with their product with that of the anchors. Gradients are
        computed in float32 too and rounded at the very end; those of float16 features shorter
        than about `2e-5 / temperature` may lie beyond what float16 holds.

    Raises:
        ValueError: If shapes disagree, as they do where regions and texts are swapped, only one
            of `prototypes` and `counts` is given, or `temperature` is a number that is not finite
            and above 0.

    Examples:
        >>> import torch
        >>> region_features, text_features = torch.eye(2).expand(3, 2, 2), torch.eye(2)
        >>> labels = torch.tensor([[1, 0], [0, 1], [1, -1]])
        >>> multimodal_info_nce(region_features, text_features, labels, temperature=1.0)
        tensor(0.4324)
    """
    check_temperature(temperature)
    check_inputs(region_features, text_features, labels, prototypes, counts)
    candidates, owners = positive_regions(region_features, labels)
    if prototypes is not None and counts is not None:
        stored, their_owners = stored_prototypes(prototypes, counts)
        candidates, owners = torch.cat([candidates, stored]), torch.cat([owners, their_owners])
    return candidate_info_nce(text_features, candidates, owners, temperature=temperature)


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
    region_features: Float[Tensor, "batch classes dim"], labels: Labels
) -> tuple[Float[Tensor, "candidates dim"], Int[Tensor, " candidates"]]:
    """Return the regions of known positives, image by image, and the category of each."""
    category = torch.arange(labels.shape[1], device=labels.device)
    return _present(region_features, torch.where(labels == POSITIVE, category, NOBODY))


def stored_prototypes(
    prototypes: Float[Tensor, "classes capacity dim"], counts: Int[Tensor, " classes"]
) -> tuple[Float[Tensor, "candidates dim"], Int[Tensor, " candidates"]]:
    """Return the prototypes in filled slots, and the category of each."""
    category = torch.arange(len(counts), device=counts.device)[:, None]
    filled = torch.arange(prototypes.shape[1], device=counts.device) < counts[:, None]
    return _present(prototypes, torch.where(filled, category, NOBODY))


def candidate_info_nce(
    text_features: Float[Tensor, "classes dim"],
    candidates: Float[Tensor, "candidates dim"],
    owners: Int[Tensor, " candidates"],
    *,
    temperature: float | Float[Tensor, ""],
) -> Float[Tensor, ""]:
    """Return the loss of `multimodal_info_nce`, given every region and prototype in one list.

    Args:
        text_features: One text embedding per category, any length.
        candidates: Regions and prototypes, any length.
        owners: Category of each candidate; -1 for one that is not there.
        temperature: Divides the cosines, > 0.
    """
    candidates, present, owner = unit_vectors(candidates), owners >= 0, owners.clamp_min(0)
    num_positives = torch.zeros(len(text_features), dtype=torch.long, device=owners.device)
    num_positives = num_positives.index_add(0, owner, present.long())
    with full_precision(text_features.device):
        anchors = unit_vectors(text_features) / temperature
        positives = (anchors[owner] * candidates).sum(dim=-1)
        negatives = _log_sums_over_rivals(anchors, candidates, owners, num_positives)
    terms = torch.where(present, -F.logsigmoid(positives - negatives[owner]), 0)
    per_anchor = terms / num_positives[owner].clamp_min(1)
    return per_anchor.sum() / (num_positives > 0).sum().clamp_min(1)


def _log_sums_over_rivals(
    anchors: Float[Tensor, "classes dim"],
    candidates: Float[Tensor, "candidates dim"],
    owners: Int[Tensor, " candidates"],
    num_positives: Int[Tensor, " classes"],
) -> Float[Tensor, " classes"]:
    """Return the log of the sum over each anchor's negatives; 0 for categories that are none."""
    log_sums = partial(_log_sums, candidates=candidates, owners=owners)
    size = max(SCORES_AT_ONCE // max(len(candidates), 1), 1)
    if torch.compiler.is_compiling():  # which wants sizes that no value decides
        every = torch.arange(len(anchors), device=owners.device)
        return in_blocks(log_sums, anchors, every, size=size)
    category = num_positives.nonzero()[:, 0]
    found = in_blocks(log_sums, anchors[category], category, size=size)
    return anchors.new_zeros(len(anchors)).index_copy(0, category, found)


def _log_sums(
    anchors: Float[Tensor, "block dim"],
    category: Int[Tensor, " block"],
    *,
    candidates: Float[Tensor, "candidates dim"],
    owners: Int[Tensor, " candidates"],
) -> Float[Tensor, " block"]:
    scores = anchors @ candidates.T
    rival = (owners != category[:, None]) & (owners != NOBODY)
    return torch.where(rival, scores, ABSENT).logsumexp(dim=1)


def _present(
    features: Float[Tensor, "rows columns dim"], owners: Int[Tensor, "rows columns"]
) -> tuple[Float[Tensor, "candidates dim"], Int[Tensor, " candidates"]]:
    """List the features that have an owner; few labels are known, and few slots filled at first."""
    present = owners != NOBODY
    if torch.compiler.is_compiling():  # the rest stays in the list, as zeros that nobody owns
        return torch.where(present[:, :, None], features, 0).flatten(0, 1), owners.flatten()
    return features[present], owners[present]
