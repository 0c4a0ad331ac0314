"""Text-region matching: one image feature per category against that category's text."""

from jaxtyping import Float
from torch import Tensor

from trmml.functional.checks import check_axes, check_temperature
from trmml.functional.unit_vectors import unit_vectors

__all__ = ["dual_matching_logits", "matching_scores"]


def matching_scores(
    features: Float[Tensor, "batch classes dim"],
    text_features: Float[Tensor, "classes dim"],
    *,
    temperature: float | Float[Tensor, ""],
) -> Float[Tensor, "batch classes"]:
    r"""Score how well each category's image feature fits that category's text.

    $$ s_{b,c} = \frac{\cos(f_{b,c}, g_c)}{\tau} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $f_{b,c}$ | `features` | feature of category c in image b, any length |
    | $g_c$ | `text_features` | text embedding of category c, any length |
    | $\tau$ | `temperature` | sharpness, may be learnt |

    Source: Eq. (1) and (5) of [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM
    Multimedia 2024).
    Differs from the paper: nothing; a zero vector, whose cosine is undefined, scores 0.

    Args:
        features: One feature per image and category, in the joint space.
        text_features: One text embedding per category, in the same space.
        temperature: Divides the cosines, > 0 (CLIP: 0.01). Small values saturate the
            probabilities, large ones make them all alike.

    Returns:
        Scores in [-1/temperature, 1/temperature], float32 for half-precision input.

    Raises:
        ValueError: If shapes disagree, or `temperature` is a number that is not finite and above 0.

    Examples:
        >>> import torch
        >>> features = torch.tensor([[[2.0, 0.0], [1.0, 1.0]]])
        >>> text_features = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> matching_scores(features, text_features, temperature=0.5)
        tensor([[2.0000, 1.4142]])
    """
    check_axes(
        features=(features, "batch classes dim"), text_features=(text_features, "classes dim")
    )
    check_temperature(temperature)
    cosines = (unit_vectors(features) * unit_vectors(text_features)).sum(dim=-1)
    return cosines / temperature


def dual_matching_logits(
    features: Float[Tensor, "batch classes dim"],
    positive: Float[Tensor, "classes dim"],
    negative: Float[Tensor, "classes dim"],
    *,
    temperature: float | Float[Tensor, ""],
) -> Float[Tensor, "batch classes"]:
    r"""Turn a positive and a negative text per category into one logit.

    $$ z_{b,c} = \frac{\cos(f_{b,c}, g^+_c) - \cos(f_{b,c}, g^-_c)}{\tau}, \qquad
       \sigma(z_{b,c}) = \operatorname{softmax}(s^+_{b,c}, s^-_{b,c})_+ $$

    | symbol | in code | meaning |
    |---|---|---|
    | $f_{b,c}$ | `features` | feature of category c in image b, any length |
    | $g^+_c, g^-_c$ | `positive`, `negative` | texts saying that c is, is not, in the image |
    | $\tau$ | `temperature` | sharpness, may be learnt |

    Source: Eq. (1) and (5) of [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM
    Multimedia 2024), with the prompt pair of [DualCoOp](https://arxiv.org/abs/2206.09541) (Sun et
    al., NeurIPS 2022).
    Differs from the paper: Eq. (1) prints one text per category; the difference of two is how its
    dual prompts are taken here. Zero vectors match with cosine 0.

    Args:
        features: One feature per image and category, in the joint space.
        positive: Positive text embedding per category.
        negative: Negative text embedding per category.
        temperature: Divides the difference of cosines, > 0. Small values saturate the
            probabilities, large ones pull them to 1/2.

    Returns:
        Logits in [-2/temperature, 2/temperature], float32 for half-precision input; their
        sigmoid is the probability that the category is present.

    Raises:
        ValueError: If shapes disagree, or `temperature` is a number that is not finite and above 0.

    Examples:
        >>> import torch
        >>> features = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])
        >>> positive, negative = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
        >>> dual_matching_logits(features, positive, negative, temperature=0.5)
        tensor([[ 2.],
                [-2.]])
    """
    check_axes(
        features=(features, "batch classes dim"),
        positive=(positive, "classes dim"),
        negative=(negative, "classes dim"),
    )
    check_temperature(temperature)
    direction = unit_vectors(positive) - unit_vectors(negative)
    return (unit_vectors(features) * direction).sum(dim=-1) / temperature
