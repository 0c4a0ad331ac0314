"""Thresholds per category, and the labels they give to regions whose label is unknown."""

import torch
from jaxtyping import Float, Int, Int8
from torch import Tensor

from trmml.functional.checks import check_axes, check_momentum
from trmml.labels import UNKNOWN, Labels, known_mask

__all__ = ["agreeing_estimates", "complete_labels", "estimate_labels", "update_thresholds"]


def update_thresholds(
    thresholds: Float[Tensor, "*shape"],
    observations: Float[Tensor, "*shape"],
    *,
    momentum: float,
) -> Float[Tensor, "*shape"]:
    r"""Move each threshold a little towards what the batch showed.

    $$ \theta_c \leftarrow \eta\,\theta_c + (1 - \eta)\,\bar s_c $$

    | symbol | in code | meaning |
    |---|---|---|
    | $\theta$ | `thresholds` | nan until seen |
    | $\bar s$ | `observations` | `class_mean_similarity`, nan where the batch showed none |
    | $\eta$ | `momentum` | share of the past that is kept |

    Source: Eq. (11) of [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM Multimedia
    2024).
    Differs from the paper: it does not say how thresholds start; here the first observation sets
    one, and a batch without an observation leaves it alone.

    Args:
        thresholds: Current thresholds, of any shape; not changed in place.
        observations: Observed means, of the same shape.
        momentum: In [0, 1] (paper: not given). 0 keeps only the last batch, 1 only the first.

    Returns:
        New thresholds.

    Raises:
        ValueError: If shapes disagree, or `momentum` is outside [0, 1].

    Examples:
        >>> import torch
        >>> thresholds = torch.tensor([0.4, torch.nan, 0.4])
        >>> observations = torch.tensor([0.2, 0.2, torch.nan])
        >>> update_thresholds(thresholds, observations, momentum=0.5)
        tensor([0.3000, 0.2000, 0.4000])
    """
    check_axes(thresholds=(thresholds, "*shape"), observations=(observations, "*shape"))
    check_momentum(momentum)
    blended = momentum * thresholds + (1 - momentum) * observations
    seen = torch.where(thresholds.isnan(), observations, blended)
    return torch.where(observations.isnan(), thresholds, seen)


def estimate_labels(
    similarities: Float[Tensor, "modalities batch classes"],
    positive_threshold: Float[Tensor, "modalities classes"],
    negative_threshold: Float[Tensor, "modalities classes"],
) -> Int8[Tensor, "modalities batch classes"]:
    r"""Guess each label from where its similarity lies between the two thresholds.

    $$ \tilde y = \begin{cases}
       +1 & s \ge \theta_{pos},\ s > \theta_{neg} \\
       -1 & s \le \theta_{neg},\ s < \theta_{pos} \\
       0 & \text{otherwise} \end{cases} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $s$ | `similarities` | similarity of a region with its category, per modality |
    | $\theta$ | `positive_threshold`, `negative_threshold` | per modality and category |
    | $\tilde y$ | the result | guess of each modality |

    Where the thresholds cross, the same rules hold: only values beyond both get a label.

    Source: Eq. (10) of [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM Multimedia
    2024).
    Differs from the paper: it prints theta_pos <= s <= theta_neg for a positive, which nothing
    meets once theta_pos > theta_neg; the second comparison of each case is turned round.

    Args:
        similarities: Similarities, nan where there is none.
        positive_threshold: Mean similarity of positives, nan until seen.
        negative_threshold: Mean similarity of negatives, nan until seen.

    Returns:
        Guesses in {-1, 0, +1}, 8-bit integers; 0 wherever a nan takes part, so a category that
        has never shown a negative (or a positive) is never guessed.

    Raises:
        ValueError: If shapes disagree.

    Examples:
        >>> import torch
        >>> similarities = torch.tensor([[[0.9], [0.5], [0.1], [torch.nan]]])
        >>> positive, negative = torch.tensor([[0.8]]), torch.tensor([[0.2]])
        >>> estimate_labels(similarities, positive, negative).flatten().tolist()
        [1, 0, -1, 0]
    """
    check_axes(
        similarities=(similarities, "modalities batch classes"),
        positive_threshold=(positive_threshold, "modalities classes"),
        negative_threshold=(negative_threshold, "modalities classes"),
    )
    upper, lower = positive_threshold[:, None], negative_threshold[:, None]
    positive = (similarities >= upper) & (similarities > lower)
    negative = (similarities <= lower) & (similarities < upper)
    return positive.to(torch.int8) - negative.to(torch.int8)


def agreeing_estimates(
    estimates: Int[Tensor, "modalities batch classes"],
) -> Int[Tensor, "batch classes"]:
    r"""Keep the guesses on which all modalities agree.

    $$ \tilde y = \begin{cases}
       \tilde y_v & \tilde y_v = \tilde y_t \\ 0 & \text{otherwise} \end{cases} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $\tilde y_v, \tilde y_t$ | `estimates` | guesses from the bank and from the texts |

    Source: Eq. (12) of [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM Multimedia
    2024).
    Differs from the paper: any number of modalities; one alone decides by itself (its Table 6).

    Args:
        estimates: Guesses in {-1, 0, +1}, one set per modality.

    Returns:
        The common guess, 0 where there is none, in the dtype of `estimates`.

    Examples:
        >>> import torch
        >>> agreeing_estimates(torch.tensor([[[1, 1, -1, 0]], [[1, -1, -1, 1]]]))
        tensor([[ 1,  0, -1,  0]])
    """
    return torch.where((estimates == estimates[0]).all(dim=0), estimates[0], UNKNOWN)


def complete_labels(labels: Labels, estimates: Int[Tensor, "batch classes"]) -> Labels:
    r"""Fill unknown labels with guesses, and leave known ones alone.

    $$ y'_{b,c} = \begin{cases}
       \tilde y_{b,c} & y_{b,c} = 0 \\ y_{b,c} & \text{otherwise} \end{cases} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $y$ | `labels` | what the annotators said |
    | $\tilde y$ | `estimates` | what `agreeing_estimates` guessed |

    Source: the use of Eq. (12) of [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM
    Multimedia 2024).
    Differs from the paper: nothing.

    Args:
        labels: Labels in {-1, 0, +1}, any other value being as unknown as 0; not changed in place.
        estimates: Guesses in {-1, 0, +1}.

    Returns:
        Completed labels, in the dtype of `labels`.

    Raises:
        ValueError: If shapes disagree.

    Examples:
        >>> import torch
        >>> complete_labels(torch.tensor([[1, 0, 0]]), torch.tensor([[-1, -1, 0]]))
        tensor([[ 1, -1,  0]])
    """
    check_axes(labels=(labels, "batch classes"), estimates=(estimates, "batch classes"))
    return torch.where(known_mask(labels), labels, estimates.to(labels.dtype))
