"""Contrast between the text of a category and regions, of its own and of the others."""

from typing import Final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from trmml.functional.checks import check_temperature
from trmml.functional.unit_vectors import unit_vectors
from trmml.labels import POSITIVE, Labels

__all__ = ["multimodal_info_nce"]

ABSENT: Final = -1e30
"""Score of a candidate that is not there: far below any real one, yet finite, so that an empty
set of negatives gives a zero gradient instead of nan."""


def multimodal_info_nce(
    text_features: Float[Tensor, "classes dim"],
    region_features: Float[Tensor, "batch classes dim"],
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

    Source: Eq. (13) of TRM-ML (Ma et al., ACM Multimedia 2024).
    Differs from the paper: nothing; the mean over anchors, which it leaves open, is spelt out.

    Args:
        text_features: One text embedding per category, any length.
        region_features: One feature per image and category, any length; only those of known
            positives are read.
        labels: Labels of the batch; 0 and -1 are treated alike.
        prototypes: Bank of features, any length; filled slots come first. None: batch only.
        counts: Filled slots per category; needed with `prototypes`.
        temperature: Divides the cosines, > 0 (paper: not given; 0.07 is the field's habit).
            Small values look only at the hardest negative, large ones at all alike.

    Returns:
        Loss in nats, float32 for half-precision input; an anchor without negatives adds 0, and
        without any positive the loss is 0, with zero gradient. Memory grows as
        classes² · (batch + capacity).

    Raises:
        ValueError: If only one of `prototypes` and `counts` is given, or `temperature` is a
            number that is not finite and above 0.

    Examples:
        >>> import torch
        >>> text_features = torch.eye(2)
        >>> region_features = torch.eye(2).expand(3, 2, 2)
        >>> labels = torch.tensor([[1, 0], [0, 1], [1, -1]])
        >>> multimodal_info_nce(text_features, region_features, labels, temperature=1.0)
        tensor(0.4324)
    """
    check_temperature(temperature)
    if (prototypes is None) != (counts is None):
        raise ValueError(
            "`prototypes` and `counts` must be given together, got only "
            f"`{'counts' if prototypes is None else 'prototypes'}`; pass both from the same bank."
        )
    candidates, present = region_features, labels == POSITIVE
    if prototypes is not None and counts is not None:
        filled = torch.arange(prototypes.shape[1], device=counts.device) < counts[:, None]
        candidates = torch.cat([candidates, prototypes.transpose(0, 1)])
        present = torch.cat([present, filled.T])
    candidates = unit_vectors(torch.where(present[:, :, None], candidates, 0))
    # Half-precision cosines divided by a small temperature would be off by tenths.
    with torch.autocast(text_features.device.type, enabled=False):
        cosines = torch.einsum("ad,scd->sac", unit_vectors(text_features), candidates)
    return _mean_over_anchors(cosines / temperature, present)


def _mean_over_anchors(
    scores: Float[Tensor, "candidates anchors classes"], present: Bool[Tensor, "candidates classes"]
) -> Float[Tensor, ""]:
    """Return the loss of scored candidates, of which only those present count."""
    own = torch.eye(scores.shape[1], dtype=torch.bool, device=scores.device)
    rival = present[:, None, :] & ~own
    negatives = torch.where(rival, scores, ABSENT).logsumexp(dim=(0, 2))
    positives = scores.diagonal(dim1=1, dim2=2)
    terms = torch.where(present, -F.logsigmoid(positives - negatives), 0)
    num_positives = present.sum(dim=0)
    per_anchor = terms.sum(dim=0) / num_positives.clamp_min(1)
    return per_anchor.sum() / (num_positives > 0).sum().clamp_min(1)
