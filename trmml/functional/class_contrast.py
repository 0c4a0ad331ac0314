"""What images of one class have in common, and those without it have not."""

import torch
from jaxtyping import Float
from torch import Tensor

from trmml.functional.checks import check_axes
from trmml.functional.unit_vectors import at_least_float32, unit_vectors
from trmml.labels import POSITIVE, UNKNOWN, Labels

__all__ = ["class_contrast"]


def class_contrast(
    features: Float[Tensor, "batch classes dim"], labels: Labels
) -> Float[Tensor, ""]:
    r"""Pull features of a class together where both images have it, and apart where not both do.

    $$ L = \frac{1}{\lvert S \rvert} \sum_{(a,b,c) \in S} \big(1 - \cos(f_{a,c}, f_{b,c})\big)
         + \frac{1}{\lvert D \rvert} \sum_{(a,b,c) \in D} \big(1 + \cos(f_{a,c}, f_{b,c})\big) $$

    | symbol | in code | meaning |
    |---|---|---|
    | $f_{b,c}$ | `features` | feature of class c in image b, any length |
    | $S$ | `alike` | pairs of images that are known to have c both |
    | $D$ | `unlike` | pairs whose labels of c are known, and not both positive |

    Source: the contrast of [SST](https://arxiv.org/abs/2112.10941) (Chen et al., AAAI 2022).
    Differs from the paper: all pairs count, each kind by its mean, where the public code draws
    about three unlike pairs for each alike one; as there, two images without the class are unlike.

    Args:
        features: One feature per image and class.
        labels: Known labels in {-1, 0, +1}.

    Returns:
        Loss in [0, 4], 0 without pairs; float32 for half-precision input.

    Raises:
        ValueError: If shapes disagree.

    Examples:
        >>> features = torch.tensor([[[1.0, 0.0]], [[1.0, 0.0]], [[0.0, 1.0]]])
        >>> class_contrast(features, torch.tensor([[1], [1], [-1]]))
        tensor(1.)
    """
    check_axes(features=(features, "batch classes dim"), labels=(labels, "batch classes"))
    unit = at_least_float32(unit_vectors(features)).transpose(0, 1)
    cosines = unit @ unit.mT
    known, there = (labels != UNKNOWN).T, (labels == POSITIVE).T
    pairs = known[:, :, None] & known[:, None]
    pairs = pairs & torch.ones_like(cosines, dtype=torch.bool).triu(1)
    alike = pairs & there[:, :, None] & there[:, None]
    unlike = pairs & ~alike
    return _mean(1 - cosines, alike) + _mean(1 + cosines, unlike)


def _mean(values: Float[Tensor, "classes batch batch"], chosen: Tensor) -> Float[Tensor, ""]:
    return values.masked_fill(~chosen, 0).sum() / chosen.sum().clamp_min(1)
