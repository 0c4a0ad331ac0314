"""Category prototypes: which features become one, and how near a region is to them."""

from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from trmml.functional.checks import check_axes, check_top_k
from trmml.functional.matching import matching_scores
from trmml.functional.unit_vectors import unit_vectors
from trmml.labels import UNKNOWN, Labels, known_mask

__all__ = [
    "class_mean_similarity",
    "prototype_similarity",
    "text_similarity",
    "top_pair_features",
    "top_region_features",
]


def top_region_features(
    features: Float[Tensor, "batch positions dim"],
    energy: Float[Tensor, "batch classes positions"],
    *,
    top_k: int,
) -> Float[Tensor, "batch classes top_k dim"]:
    r"""Take the image features at the strongest positions of every region.

    $$ V_{b,c} = \{ \hat f_{b,n} : n \in \operatorname{TopK}_n(r_{b,c,n}) \} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $\hat f$ | `unit_vectors(features)` | dense feature of unit length |
    | $r$ | `energy` | any increasing function of it picks the same positions |
    | $k$ | `top_k` | features taken per region |

    Source: Eq. (7) of [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM Multimedia
    2024).
    Differs from the paper: features are normalised, as only their direction is compared later.

    Args:
        features: Dense features of the frozen encoder.
        energy: Attention logits of each category at each position.
        top_k: Features per region, from 1 to the number of positions. At the upper end the
            region no longer matters.

    Returns:
        Features of unit length, highest energy first, float32 for half-precision input.

    Raises:
        ValueError: If shapes disagree, or `top_k` is below 1 or above the number of positions.

    Examples:
        >>> import torch
        >>> features = torch.tensor([[[2.0, 0.0], [0.0, 3.0], [1.0, 1.0]]])
        >>> top_region_features(features, torch.tensor([[[0.1, 0.9, -1.0]]]), top_k=2)
        tensor([[[[0., 1.],
                  [1., 0.]]]])
    """
    check_axes(
        features=(features, "batch positions dim"), energy=(energy, "batch classes positions")
    )
    check_top_k(top_k, positions=energy.shape[-1])
    strongest = energy.topk(top_k, dim=-1).indices
    batch = torch.arange(features.shape[0], device=features.device)
    return unit_vectors(features[batch[:, None, None], strongest])


def top_pair_features(
    features: Float[Tensor, "batch positions dim"],
    energy: Float[Tensor, "batch classes positions"],
    *,
    batch_index: Int[Tensor, " pairs"],
    class_index: Int[Tensor, " pairs"],
    top_k: int,
) -> Float[Tensor, "pairs top_k dim"]:
    r"""Take the image features at the strongest positions of chosen regions only.

    $$ V_{b,c} = \{ \hat f_{b,n} : n \in \operatorname{TopK}_n(r_{b,c,n}) \}
       \quad\text{for the given } (b, c) $$

    | symbol | in code | meaning |
    |---|---|---|
    | $b, c$ | `batch_index`, `class_index` | the chosen pairs, as a rule the known positives |
    | $\hat f$ | `unit_vectors(features)` | dense feature of unit length |
    | $r$ | `energy` | any increasing function of it picks the same positions |
    | $k$ | `top_k` | features taken per region |

    Source: Eq. (7) of [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM Multimedia
    2024).
    Differs from the paper: features are normalised, as only their direction is compared later.

    Args:
        features: Dense features of the frozen encoder.
        energy: Attention logits of each category at each position.
        batch_index: Image of each pair.
        class_index: Category of each pair.
        top_k: Features per pair, from 1 to the number of positions.

    Returns:
        Features of unit length, highest energy first, float32 for half-precision input.

    Raises:
        ValueError: If shapes disagree, or `top_k` is below 1 or above the number of positions.

    Examples:
        >>> import torch
        >>> features = torch.tensor([[[2.0, 0.0], [0.0, 3.0]]])
        >>> energy = torch.tensor([[[0.1, 0.9], [0.9, 0.1]]])
        >>> pair = {"batch_index": torch.tensor([0]), "class_index": torch.tensor([1])}
        >>> top_pair_features(features, energy, **pair, top_k=1)
        tensor([[[1., 0.]]])
    """
    check_axes(
        features=(features, "batch positions dim"),
        energy=(energy, "batch classes positions"),
        batch_index=(batch_index, "pairs"),
        class_index=(class_index, "pairs"),
    )
    check_top_k(top_k, positions=energy.shape[-1])
    strongest = energy[batch_index, class_index].topk(top_k, dim=-1).indices
    return unit_vectors(features[batch_index[:, None], strongest])


def prototype_similarity(
    region_features: Float[Tensor, "batch classes dim"],
    prototypes: Float[Tensor, "classes capacity dim"],
    counts: Int[Tensor, " classes"],
) -> Float[Tensor, "batch classes"]:
    r"""Compare each region with the stored prototypes of its own category.

    $$ s_{b,c} = \frac1{\ell_c} \sum_{j=1}^{\ell_c} \cos(f^r_{b,c}, v_{c,j})
       = \hat f^r_{b,c} \cdot \Big( \frac1{\ell_c} \sum_{j=1}^{\ell_c} \hat v_{c,j} \Big) $$

    | symbol | in code | meaning |
    |---|---|---|
    | $f^r_{b,c}$ | `region_features` | region feature of category c in image b |
    | $v_{c,j}$ | `prototypes` | slot j of the bank of category c |
    | $\ell_c$ | `counts` | filled slots; later ones are never read |

    Source: Eq. (8) and the mean of Eq. (9) of [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma
    et al., ACM Multimedia 2024).
    Differs from the paper: nothing; the mean prototype is formed first, so the cost does not
    grow with the bank.

    Args:
        region_features: One feature per image and category, any length.
        prototypes: Bank of features, any length; filled slots come first.
        counts: Filled slots per category, 0 to the capacity.

    Returns:
        Mean cosines in [-1, 1], nan for a category without prototypes, float32 for
        half-precision input.

    Raises:
        ValueError: If shapes disagree.

    Examples:
        >>> import torch
        >>> region_features = torch.tensor([[[1.0, 0.0], [1.0, 0.0]]])
        >>> prototypes = torch.tensor([[[2.0, 0.0], [0.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]])
        >>> prototype_similarity(region_features, prototypes, torch.tensor([2, 0]))
        tensor([[0.5000,    nan]])
    """
    check_axes(
        region_features=(region_features, "batch classes dim"),
        prototypes=(prototypes, "classes capacity dim"),
        counts=(counts, "classes"),
    )
    filled = torch.arange(prototypes.shape[1], device=counts.device) < counts[:, None]
    total = unit_vectors(torch.where(filled[:, :, None], prototypes, 0)).sum(dim=1)
    mean = total / counts.clamp_min(1)[:, None]
    similarity = (unit_vectors(region_features) * mean).sum(dim=-1)
    return torch.where(counts > 0, similarity, torch.nan)


def text_similarity(
    region_features: Float[Tensor, "batch classes dim"],
    text_prototypes: Float[Tensor, "classes dim"],
) -> Float[Tensor, "batch classes"]:
    r"""Compare each region with the text prototype of its own category.

    $$ s_{b,c} = \cos(f^r_{b,c}, t_c) $$

    | symbol | in code | meaning |
    |---|---|---|
    | $f^r_{b,c}$ | `region_features` | region feature of category c in image b |
    | $t_c$ | `text_prototypes` | positive text embedding after the first stage |

    Source: Eq. (8) with the text prototype, for Eq. (12), of
    [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM Multimedia 2024).
    Differs from the paper: nothing.

    Args:
        region_features: One feature per image and category, any length.
        text_prototypes: One text embedding per category, any length.

    Returns:
        Cosines in [-1, 1], float32 for half-precision input.

    Raises:
        ValueError: If shapes disagree.

    Examples:
        >>> import torch
        >>> text_similarity(torch.tensor([[[3.0, 4.0]]]), torch.tensor([[2.0, 0.0]]))
        tensor([[0.6000]])
    """
    check_axes(
        region_features=(region_features, "batch classes dim"),
        text_prototypes=(text_prototypes, "classes dim"),
    )
    return matching_scores(region_features, text_prototypes, temperature=1.0)


def class_mean_similarity(
    similarities: Float[Tensor, "*modalities batch classes"],
    labels: Labels,
    *,
    label: Literal[1, -1, 0],
) -> Float[Tensor, "*modalities classes"]:
    r"""Average, per category, the similarities of the batch's known positives or negatives.

    $$ \bar s^p_c = \frac1{|D^p_c|} \sum_{b \in D^p_c} s_{b,c}, \qquad
       D^p_c = \{ b : y_{b,c} = 1 \}; \quad \bar s^n_c \text{ likewise for } y_{b,c} = -1 $$

    | symbol | in code | meaning |
    |---|---|---|
    | $s$ | `similarities` | mean cosine of a region with the prototypes of its category |
    | $y$ | `labels` | +1, -1 or 0 |
    | $\bar s^p, \bar s^n$ | `label=1`, `label=-1` | one observation for the thresholds |

    Source: Eq. (9) of [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM Multimedia
    2024).
    Differs from the paper: nothing; its factor y = -1 cancels the printed minus sign of the
    negatives. Regions without a similarity (nan) are left out.

    Args:
        similarities: Similarity of each region, nan where there is none; any leading axes.
        labels: Labels of the same batch; what is neither 1 nor -1 counts as unlabelled.
        label: 1 for the known positives, -1 for the known negatives, 0 for the unlabelled.

    Returns:
        One mean per category (and leading axis), nan where no similarity counts.

    Raises:
        ValueError: If shapes disagree.

    Examples:
        >>> import torch
        >>> similarities = torch.tensor([[0.2, 0.5], [0.4, 0.7]])
        >>> class_mean_similarity(similarities, torch.tensor([[1, 0], [1, -1]]), label=1)
        tensor([0.3000,    nan])
    """
    check_axes(
        similarities=(similarities, "*modalities batch classes"), labels=(labels, "batch classes")
    )
    chosen = labels == label if label != UNKNOWN else ~known_mask(labels)
    selected = chosen & ~similarities.isnan()
    count = selected.sum(dim=-2)
    mean = torch.where(selected, similarities, 0).sum(dim=-2) / count.clamp_min(1)
    return torch.where(count > 0, mean, torch.nan)
