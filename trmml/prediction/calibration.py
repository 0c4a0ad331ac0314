"""From which probability on a class counts as present: found on validation data."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from trmml.labels import NEGATIVE, POSITIVE, Labels
from trmml.metrics.inputs import check_inputs

__all__ = ["HALF", "calibrate_thresholds"]

HALF = 0.5


def calibrate_thresholds(
    probabilities: Float[Tensor, "images classes"], labels: Labels
) -> Float[Tensor, " classes"]:
    r"""Find for each class the threshold whose decisions have the best F1.

    $$ \theta_c = \arg\max_\theta \frac{2\,T_c(\theta)}{D_c(\theta) + P_c} $$

    | symbol | meaning |
    |---|---|
    | $T_c(\theta)$ | known positives with a probability of at least $\theta$ |
    | $D_c(\theta)$ | known labels with a probability of at least $\theta$ |
    | $P_c$ | known positives |

    A threshold lies midway between the probabilities of two neighbouring images (or between 0 and
    the lowest), so that rounding decides nothing; of several with the best F1, the highest is
    taken. Unknown labels are left out. On the data given, F1 is never below that of any other
    threshold; on new data a class with few known positives may do better at 0.5.

    A class of which no positive or no negative is known gets the threshold that is best for all
    classes taken together, or 0.5 where even that has nothing to go by.

    Args:
        probabilities: In [0, 1], of images that were not trained on. Rows of nan, images that
            could not be read, are left out.
        labels: +1, -1, or 0 for unknown.

    Returns:
        One threshold a class; a probability that reaches it says present.

    Raises:
        ValueError: If the shapes differ, a number is no probability, or labels have another
            coding.

    Examples:
        >>> probabilities = torch.tensor([[0.3, 0.9], [0.2, 0.6], [0.1, 0.2]])
        >>> calibrate_thresholds(probabilities, torch.tensor([[1, 1], [1, -1], [-1, -1]]))
        tensor([0.1500, 0.7500])
    """
    readable = ~probabilities.isnan().all(1)
    probabilities, labels = probabilities[readable], labels[readable]
    check_inputs(probabilities, labels, "exclude")
    if bool(((probabilities < 0) | (probabilities > 1)).any()):
        raise ValueError(
            "`probabilities` must be in [0, 1], got values from "
            f"{float(probabilities.min()):.3g} to {float(probabilities.max()):.3g}; "
            "take the sigmoid of logits."
        )
    positive, negative = labels == POSITIVE, labels == NEGATIVE
    pooled = _best_cut(probabilities.flatten(), positive.flatten(), negative.flatten())
    columns = zip(probabilities.T, positive.T, negative.T, strict=True)
    cuts = [_best_cut(*column) for column in columns]
    found = [pooled if cut is None else cut for cut in cuts]
    return probabilities.new_tensor([HALF if cut is None else cut for cut in found])


def _best_cut(
    values: Float[Tensor, " entries"],
    positive: Bool[Tensor, " entries"],
    negative: Bool[Tensor, " entries"],
) -> float | None:
    """Return where to cut one list of entries, or None if a sign is missing."""
    if not (positive.any() and negative.any()):
        return None
    known = positive | negative
    ranked, order = values[known].sort(descending=True)
    hits = positive[known][order].cumsum(0).double()
    decided = torch.arange(1, len(ranked) + 1, device=ranked.device)
    f1 = 2 * hits / (decided + hits[-1])
    following = torch.cat([ranked[1:], ranked.new_zeros(1)])
    parts_equals = ranked == following
    parts_equals[-1] = False  # below the lowest there is nothing, even if it is 0
    best = int(f1.masked_fill(parts_equals, -1).argmax())
    middle = (ranked[best] + following[best]) / 2
    # Between neighbouring floats the middle rounds to one of them; it must not let the lower in.
    return float(middle if middle > following[best] else ranked[best])
