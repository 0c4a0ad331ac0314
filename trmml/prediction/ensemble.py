"""Two models of the same classes, whose scores are added up."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from trmml.class_names import ClassNames, name_key
from trmml.data import ImageTable
from trmml.functional.checks import check_axes
from trmml.models import MultiLabelModel
from trmml.prediction.scoring import score_images

__all__ = ["ensemble_scores", "mixed_scores"]


def mixed_scores(
    first: Float[Tensor, "images classes"],
    second: Float[Tensor, "images classes"],
    *,
    weight: float = 0.9,
) -> Float[Tensor, "images classes"]:
    r"""Add up two models' scores, the second brought to the scale of the first.

    $$ z_{b,c} = w\, x_{b,c} + (1 - w) \Big( m_c(x) + \frac{d_c(x)}{d_c(y)}
       \big(y_{b,c} - m_c(y)\big) \Big) $$

    | symbol | in code | meaning |
    |---|---|---|
    | $x, y$ | `first`, `second` | scores of the two models |
    | $m_c, d_c$ | | mean and standard deviation in class c over all images |
    | $w$ | `weight` | what the first one counts |

    Two models may put their scores anywhere: TaI-DPT's lie close together. No label is looked at,
    but all images are, so this measures two models on a set of images, and predicts nothing of a
    single one.

    Source: the ensembles of [TaI-DPT](https://arxiv.org/abs/2211.12739) (Guo et al., CVPR 2023),
    and the row "TaI-DPT + TRM-ML" of Table 1 of
    [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM Multimedia 2024).
    Differs from the paper: how scores are brought to one scale is ours, as neither paper says it.

    Args:
        first: Logits; rows that are nan stay so.
        second: Those of the other model, of the same images and classes in the same order. Where
            it scores all images alike it says nothing.
        weight: In [0, 1] (TaI-DPT: 0.9). 1 is the first model alone, 0 ranks as the second.

    Returns:
        Logits on the scale of the first, float32.

    Raises:
        ValueError: If shapes disagree, or `weight` is outside [0, 1].

    Examples:
        >>> first, second = torch.tensor([[0.0], [2.0]]), torch.tensor([[0.7], [0.5]])
        >>> mixed_scores(first, second, weight=0.75)
        tensor([[0.5000],
                [1.5000]])
    """
    check_axes(first=(first, "images classes"), second=(second, "images classes"))
    _check(weight)
    x, y = first.double(), second.double()
    known = ~(x.isnan() | y.isnan()).any(dim=1)
    (mean, deviation), (other_mean, other_deviation) = (
        _mean_and_deviation(z[known]) for z in (x, y)
    )
    varies = other_deviation > 1e-12 * other_mean.abs()
    ratio = torch.where(varies, deviation / torch.where(varies, other_deviation, 1), 0)
    return (weight * x + (1 - weight) * (mean + ratio * (y - other_mean))).float()


def ensemble_scores(
    first: MultiLabelModel,
    second: MultiLabelModel,
    table: ImageTable,
    *,
    weight: float = 0.9,
    batch_size: int = 32,
    num_workers: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Float[Tensor, "images classes"]:
    """Return the `mixed_scores` of every image, with the columns of the first model.

    Args:
        first: As in `score_images`.
        second: Of the same classes, in any order; methods, towers and sizes of images may differ.
        table: As in `score_images`.
        weight: As in `mixed_scores`.
        batch_size: As in `score_images`.
        num_workers: As in `score_images`.
        progress: Called with the number of images after each batch, of both models.

    Raises:
        ValueError: As `score_images`, if `weight` is outside [0, 1], or the classes differ.
    """
    _check(weight)
    columns = _columns(second.class_names, of=first.class_names)
    score = partial(
        score_images, table=table, batch_size=batch_size, num_workers=num_workers, progress=progress
    )
    return mixed_scores(score(first), score(second)[:, columns], weight=weight)


def _mean_and_deviation(
    scores: Float[Tensor, "images classes"],
) -> tuple[Float[Tensor, " classes"], Float[Tensor, " classes"]]:
    mean = scores.mean(dim=0)
    return mean, (scores - mean).square().mean(dim=0).sqrt()


def _columns(names: Sequence[str], *, of: ClassNames) -> list[int]:
    """Return where each class of the first model stands among the second's."""
    places = {name_key(name): column for column, name in enumerate(names)}
    wanted = [name_key(name) for name in of]
    if set(wanted) != set(places):
        alone = sorted(set(wanted) ^ set(places))
        raise ValueError(
            f"`second` must have the classes of the first model, got others: only one of both has "
            f"{', '.join(map(repr, alone[:10]))}{', ...' if len(alone) > 10 else ''}."
        )
    return [places[name] for name in wanted]


def _check(weight: float) -> None:
    if not 0 <= weight <= 1:
        raise ValueError(f"`weight` must be in [0, 1], got {weight}; 0.9 is TaI-DPT's.")
