"""Complete missing labels where two modalities agree, by thresholds that follow the data."""

from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from trmml.choices import check_choice
from trmml.distributed import gather_rows
from trmml.functional import (
    agreeing_estimates,
    class_mean_similarity,
    complete_labels,
    estimate_labels,
    update_thresholds,
)
from trmml.functional.checks import check_labels_on_cpu, check_momentum
from trmml.labels import NEGATIVE, POSITIVE, UNKNOWN, Labels
from trmml.typed_module import TypedModule

__all__ = ["AdaptiveThresholdPseudoLabeler"]

NegativesFrom = Literal["known", "unknown"]


class AdaptiveThresholdPseudoLabeler(TypedModule):
    r"""Fill in unknown labels whose similarity is that of known positives or known negatives.

    $$ \theta^{\pm}_c \leftarrow \eta\, \theta^{\pm}_c + (1 - \eta)\, s^{\pm}_c, \qquad
       \hat y_{m,c} = \begin{cases}
       +1 & s^u_{m,c} \ge \theta^+_c \text{ and } s^u_{m,c} > \theta^-_c \\
       -1 & s^u_{m,c} \le \theta^-_c \text{ and } s^u_{m,c} < \theta^+_c \\
       0 & \text{otherwise} \end{cases} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $s^u$ | `similarities` | one matrix per modality: to the bank, to the text prototypes |
    | $s^+$, $s^-$ | | mean similarity of the batch's known positives, known negatives |
    | $\theta^+$, $\theta^-$ | `positive_threshold`, `negative_threshold` | nan until first seen |
    | $\eta$ | `momentum` | how slowly the thresholds follow |

    A label is completed only where every modality says the same; known labels are never touched.

    Source: Eq. (9) to (12) of [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM
    Multimedia 2024).
    Differs from the paper: Eq. (10) as printed asks for $\theta^+ \le s \le \theta^-$, which
    cannot hold once positives are more similar than negatives; the rule above is what is meant.
    The first observation sets a threshold, so no start value has to be guessed.

    Args:
        num_classes: Number of categories.
        num_modalities: How many similarities must agree, >= 1 (paper: 2, image and text).
        momentum: $\eta$ in [0, 1]; 0 uses the last batch alone, 1 the first.
        negatives_from: "known" takes $s^-$ from known negatives (paper). "unknown" takes it from
            the unlabelled entries, nearly all negative in practice: for single-positive data,
            where no negative is known and no threshold would ever be set.
        gather_distributed: Whether, in training mode, thresholds follow the batches of all
            processes of `torch.distributed`, so that each has those of the whole batch.

    Raises:
        ValueError: If a size is below 1, `momentum` is outside [0, 1], or an option is unknown.

    Examples:
        >>> labeler = AdaptiveThresholdPseudoLabeler(1, num_modalities=1)
        >>> similarities = torch.tensor([[[0.8], [0.2], [0.9], [0.5], [0.1]]])
        >>> labels = torch.tensor([[1], [-1], [0], [0], [0]])
        >>> labeler.update(similarities, labels)
        >>> labeler(similarities, labels).flatten()
        tensor([ 1, -1,  1,  0, -1])
    """

    positive_threshold: Tensor
    negative_threshold: Tensor

    def __init__(
        self,
        num_classes: int,
        *,
        num_modalities: int = 2,
        momentum: float = 0.9,
        negatives_from: NegativesFrom = "known",
        gather_distributed: bool = False,
    ) -> None:
        """Start with no threshold seen."""
        super().__init__()
        if num_classes < 1 or num_modalities < 1:
            raise ValueError(
                "`num_classes` and `num_modalities` must be at least 1, got "
                f"{num_classes} and {num_modalities}."
            )
        check_momentum(momentum)
        check_choice(negatives_from, NegativesFrom, argument="negatives_from")
        self.num_classes, self.num_modalities = num_classes, num_modalities
        self.momentum, self.negatives_from = momentum, negatives_from
        self.gather_distributed = gather_distributed
        unseen = torch.full((num_modalities, num_classes), torch.nan)
        self.register_buffer("positive_threshold", unseen)
        self.register_buffer("negative_threshold", unseen.clone())

    @torch.no_grad()
    def update(
        self,
        similarities: Float[Tensor, "modalities batch classes"],
        labels: Labels,
        *,
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> None:
        """Move the thresholds towards the mean similarity of the batch's known labels.

        A class without a known positive (negative) in the batch keeps its threshold.

        Args:
            similarities: One matrix per modality, nan where a class has no prototype yet.
            labels: Known labels in {-1, 0, +1}.
            classes: Categories that the columns stand for, each once; None for all.

        Raises:
            ValueError: If the shapes disagree, or, eagerly on the CPU, labels hold other values
                than -1, 0 and +1. Elsewhere these count as unknown: a look would wait for the GPU.
        """
        self._check(similarities, labels, classes)
        if self.gather_distributed and self.training:
            similarities = gather_rows(similarities.transpose(0, 1)).transpose(0, 1)
            labels = gather_rows(labels)
        as_negative = NEGATIVE if self.negatives_from == "known" else UNKNOWN
        positives = class_mean_similarity(similarities, labels, label=POSITIVE)
        negatives = class_mean_similarity(similarities, labels, label=as_negative)
        columns = slice(None) if classes is None else classes
        for threshold, observed in (
            (self.positive_threshold, positives),
            (self.negative_threshold, negatives),
        ):
            moved = update_thresholds(threshold[:, columns], observed, momentum=self.momentum)
            threshold[:, columns] = moved.to(threshold.dtype)

    @torch.no_grad()
    def forward(
        self,
        similarities: Float[Tensor, "modalities batch classes"],
        labels: Labels,
        *,
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> Labels:
        """Return `labels` with the unknown entries filled on which all modalities agree.

        Args:
            similarities: One matrix per modality, nan where a class has no prototype yet.
            labels: Known labels in {-1, 0, +1}.
            classes: Categories that the columns stand for, each once; None for all.

        Returns:
            Completed labels of the same type; entries no estimate was made for stay 0.

        Raises:
            ValueError: If the shapes disagree, or, eagerly on the CPU, labels hold other values
                than -1, 0 and +1. Elsewhere these count as unknown: a look would wait for the GPU.
        """
        self._check(similarities, labels, classes)
        columns = slice(None) if classes is None else classes
        estimates = estimate_labels(
            similarities,
            self.positive_threshold[:, columns],
            self.negative_threshold[:, columns],
        )
        return complete_labels(labels, agreeing_estimates(estimates))

    @torch.no_grad()
    def reset(self) -> None:
        """Forget every threshold."""
        self.positive_threshold.fill_(torch.nan)
        self.negative_threshold.fill_(torch.nan)

    def _check(self, similarities: Tensor, labels: Tensor, classes: Tensor | None) -> None:
        num_classes = self.num_classes if classes is None else len(classes)
        expected = (self.num_modalities, labels.shape[0], num_classes)
        if similarities.shape != expected or labels.shape != expected[1:]:
            raise ValueError(
                f"`similarities` must have shape (modalities, batch, classes) = {expected} and "
                f"`labels` {expected[1:]}, got {tuple(similarities.shape)} and "
                f"{tuple(labels.shape)}."
            )
        check_labels_on_cpu(labels)

    def extra_repr(self) -> str:
        """Show sizes and options in the printed module."""
        return (
            f"{self.num_classes}, num_modalities={self.num_modalities}, "
            f"momentum={self.momentum}, negatives_from={self.negatives_from!r}, "
            f"gather_distributed={self.gather_distributed}"
        )
