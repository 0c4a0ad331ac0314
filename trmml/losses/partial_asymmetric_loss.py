"""The partial asymmetric loss: unknown labels are left out, or negative if they seem to be."""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from trmml.choices import check_choice
from trmml.functional import LabelReduction, reduce_over_labels
from trmml.functional.asymmetric_loss import asymmetric_loss
from trmml.functional.checks import check_axes, check_exponent, check_labels_on_cpu, check_margin
from trmml.functional.unit_vectors import at_least_float32
from trmml.labels import NEGATIVE, POSITIVE, UNKNOWN, Labels, known_mask
from trmml.losses.label_loss import LabelLoss
from trmml.losses.likely_positives import likely_positives

__all__ = ["PartialAsymmetricLoss", "partial_asymmetric_loss"]

PartialMode = Literal["negative", "ignore", "normalised", "selective"]


def partial_asymmetric_loss(
    logits: Float[Tensor, "batch classes"],
    labels: Labels,
    *,
    mode: PartialMode = "selective",
    gammas: tuple[float, float, float] = (0.0, 1.0, 2.0),
    alphas: tuple[float, float, float] = (1.0, 1.0, 1.0),
    margin: float = 0.0,
    likelihood_topk: int = 5,
    likely_classes: Bool[Tensor, " classes"] | None = None,
    gather_distributed: bool = False,
    reduction: LabelReduction = "batch_mean",
) -> Float[Tensor, ""] | Float[Tensor, "batch classes"]:
    r"""Penalise wrong known labels, and unknown ones as negatives where they are likely to be.

    $$ \ell_{b,c} = -v_b \begin{cases}
       \alpha_+ (1 - p)^{\gamma_+} \log p & y_{b,c} = +1 \\
       \alpha_- p_m^{\gamma_-} \log(1 - p_m) & y_{b,c} = -1 \\
       \alpha_0\, p_m^{\gamma_0} \log(1 - p_m) & y_{b,c} = 0,\ (b, c) \in N \\
       0 & \text{otherwise} \end{cases} \qquad p_m = \max(p - m, 0) $$

    | symbol | in code | meaning |
    |---|---|---|
    | $p$ | `logits.sigmoid()` | predicted probability |
    | $y$ | `labels` | +1, -1 or 0 |
    | $\gamma_+, \gamma_-, \gamma_0$ | `gammas` | exponents of positive, negative, unknown |
    | $\alpha_+, \alpha_-, \alpha_0$ | `alphas` | weights of the same |
    | $m$ | `margin` | a negative below this probability is free |
    | $N$ | `taken` | unknown labels taken for negative, none of them or all but the likely ones |
    | $v_b$ | `image_weight` | 1; with "normalised", 1 + 1 / (1 + known labels of the image) |

    Source: P-ASL of [Ben-Baruch et al.](https://arxiv.org/abs/2110.10955) (CVPR 2022).
    Differs from the paper: as `PartialAsymmetricLoss` says, which checks the settings.

    Args:
        logits: Scores before the sigmoid; where an unknown label is left out by "ignore" and
            "normalised" they may hold anything.
        labels: Labels in {-1, 0, +1}; any other value counts as unknown.
        mode: As in `PartialAsymmetricLoss`, like all that follow.
        gammas: Of positives, negatives and unknown labels.
        alphas: Of the same.
        margin: Of both kinds of negatives.
        likelihood_topk: How many unknown labels an image are dropped by "selective".
        likely_classes: Whose unknown labels "selective" drops; None for no class.
        gather_distributed: Whether the batch is that of all processes of `torch.distributed`.
        reduction: "mean" divides by the number of labels that are not left out.

    Returns:
        Loss in nats, float32 for half-precision input; per label for `reduction="none"`.

    Raises:
        ValueError: If shapes disagree, or an exponent or the margin is outside its range.

    Examples:
        >>> logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])
        >>> partial_asymmetric_loss(logits, torch.tensor([[1, -1, 0], [0, -1, 1]]), mode="negative")
        tensor(2.8964)
    """
    check_axes(logits=(logits, "batch classes"), labels=(labels, "batch classes"))
    logits, known = at_least_float32(logits), known_mask(labels)
    taken = torch.zeros_like(known) if mode in ("ignore", "normalised") else ~known
    if mode == "selective":
        taken = taken & ~likely_positives(
            logits, ~known, per_image=likelihood_topk, gather_distributed=gather_distributed
        )
        if likely_classes is not None:
            taken = taken & ~likely_classes
    gamma_pos, gamma_neg, gamma_unknown = gammas
    settings = {"margin": margin, "reduction": "none"}
    loss = asymmetric_loss(logits, labels, gamma_pos=gamma_pos, gamma_neg=gamma_neg, **settings)
    assumed = torch.where(taken, NEGATIVE, UNKNOWN)
    unlisted = asymmetric_loss(logits, assumed, gamma_neg=gamma_unknown, **settings)
    alpha_pos, alpha_neg, alpha_unknown = alphas
    loss = torch.where(labels == POSITIVE, alpha_pos, alpha_neg) * loss + alpha_unknown * unlisted
    if mode == "normalised":
        image_weight = 1 + 1 / (1 + known.sum(dim=1, keepdim=True))
        loss = image_weight * loss
    return reduce_over_labels(loss, known | taken, reduction=reduction)


class PartialAsymmetricLoss(LabelLoss):
    r"""Penalise wrong known labels, and unknown ones as negatives where they are likely to be.

    $$ \ell_{b,c} = -v_b\, \alpha\, (1 - q)^{\gamma} \log q, \qquad q = p \ \text{if}\ y_{b,c} = +1,
       \ 1 - p_m \ \text{otherwise}, \qquad p_m = \max(p - m, 0) $$

    with $\alpha$ and $\gamma$ each of the positives, the negatives and the unknown. The function is
    `partial_asymmetric_loss` in the same file; its docstring has the symbols.

    | `mode` | an unknown label |
    |---|---|
    | "negative" | counts as negative |
    | "ignore" | counts for nothing |
    | "normalised" | counts for nothing, and images with few known labels count up to twice |
    | "selective" | counts as negative, or for nothing where it seems likely to be positive |

    Likely are the highest logits of unknown labels in the batch, and all those of classes of a high
    prior. So "selective" couples the images of a batch. In training mode the batch is that of all
    processes of `torch.distributed`, each of which has to call the loss. With sampled classes it is
    among these that the highest are dropped; the engine refuses to sample if there are priors.

    Source: P-ASL of [Ben-Baruch et al.](https://arxiv.org/abs/2110.10955) (CVPR 2022).
    Differs from the paper: it sums over the batch, here "sum". Of equal logits at the border of
    the highest none is dropped, where the public code drops some. Where the public code
    reads priors from a file, they are numbers here.

    Args:
        mode: What becomes of unknown labels, as above.
        gamma_pos: Focusing exponent of positives, >= 0 (public code: 0).
        gamma_neg: Of known negatives, >= 0 (public code: 1).
        gamma_unknown: Of unknown labels, >= 0 (public code: 2, or 4 in its recipes).
        alpha_pos: Weight of positives, >= 0 (public code: 1, as the next two).
        alpha_neg: Weight of known negatives, >= 0.
        alpha_unknown: Weight of unknown labels, >= 0. 0 is "ignore".
        margin: In [0, 1), of both kinds of negatives (public code: 0).
        likelihood_topk: How many unknown labels an image, on average, are dropped by "selective"
            for their logits, >= 0 (public code: 5). 0 drops none.
        priors: For each class, how often it is present, in [0, 1], by which "selective" drops
            whole classes: such as the mean prediction of an earlier training. None drops none.
        prior_threshold: In [0, 1]: classes of a prior above it are dropped (public code: 0.05,
            and 0.5 in its recipes).
        reduction: "batch_mean" is the sum over the number of images, "mean" over the number of
            labels that are not left out (0 when there is none), "sum" and "none" as named.

    Raises:
        ValueError: If a name is another one, a number is outside its range, or priors are given
            for another mode than "selective".

    Examples:
        >>> logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])
        >>> labels = torch.tensor([[1, -1, 0], [0, -1, 1]])
        >>> PartialAsymmetricLoss(mode="ignore")(logits, labels)
        tensor(2.6211)
        >>> PartialAsymmetricLoss(likelihood_topk=0, priors=[0.1, 0.0, 0.9])(logits, labels)
        tensor(2.6211)
    """

    mean_over = "labels with a term"
    class_priors: Float[Tensor, " classes"] | None

    def __init__(
        self,
        *,
        mode: PartialMode = "selective",
        gamma_pos: float = 0.0,
        gamma_neg: float = 1.0,
        gamma_unknown: float = 2.0,
        alpha_pos: float = 1.0,
        alpha_neg: float = 1.0,
        alpha_unknown: float = 1.0,
        margin: float = 0.0,
        likelihood_topk: int = 5,
        priors: Sequence[float] | None = None,
        prior_threshold: float = 0.05,
        reduction: LabelReduction = "batch_mean",
    ) -> None:
        """Check and keep the settings."""
        super().__init__(reduction=reduction)
        check_choice(mode, PartialMode, argument="mode")
        self.mode: PartialMode = mode
        self.gamma_pos, self.gamma_neg, self.gamma_unknown = gamma_pos, gamma_neg, gamma_unknown
        self.alpha_pos, self.alpha_neg, self.alpha_unknown = alpha_pos, alpha_neg, alpha_unknown
        self.margin, self.likelihood_topk = margin, likelihood_topk
        self.priors = None if priors is None else [float(prior) for prior in priors]
        self.prior_threshold = prior_threshold
        self._check()
        self.uses_unknown = mode in ("negative", "selective")
        self.needs_all_classes = priors is not None
        # A buffer for its device and the state, the list to show and to build it again.
        buffer = None if self.priors is None else torch.tensor(self.priors)
        self.register_buffer("class_priors", buffer)

    def _check(self) -> None:
        for name in ("gamma_pos", "gamma_neg", "gamma_unknown"):
            check_exponent(getattr(self, name), argument=name)
        for name in ("alpha_pos", "alpha_neg", "alpha_unknown"):
            weight = getattr(self, name)
            if not 0 <= weight < math.inf:
                raise ValueError(
                    f"`{name}` must be finite and at least 0, got {weight}; it weighs these labels."
                )
        check_margin(self.margin)
        if self.likelihood_topk < 0:
            raise ValueError(
                f"`likelihood_topk` must be at least 0, got {self.likelihood_topk}; 0 drops no "
                "label for its logit."
            )
        if not 0 <= self.prior_threshold <= 1:
            raise ValueError(
                f"`prior_threshold` must be in [0, 1], got {self.prior_threshold}; 1 drops none."
            )
        if self.priors is not None and self.mode != "selective":
            raise ValueError(
                f"`priors` must be None with `mode` = {self.mode!r}, got {len(self.priors)} "
                "numbers; only 'selective' looks at them."
            )
        for prior in self.priors or ():
            if not 0 <= prior <= 1:
                raise ValueError(
                    f"`priors` must be in [0, 1], got {prior}; they are how often a class is there."
                )

    def forward(
        self, logits: Float[Tensor, "batch classes"], labels: Labels
    ) -> Float[Tensor, ""] | Float[Tensor, "batch classes"]:
        """Return the loss of a batch.

        Raises:
            ValueError: If shapes disagree, there is not a prior for each class, or, eagerly on the
                CPU, labels hold other values than -1, 0 and +1. Elsewhere these count as unknown,
                as looking would wait for the GPU.
        """
        check_labels_on_cpu(labels)
        likely_classes = None
        if self.class_priors is not None:
            if len(self.class_priors) != logits.shape[1]:
                raise ValueError(
                    f"`priors` must have a number for each of the {logits.shape[1]} classes, got "
                    f"{len(self.class_priors)}; they are in the order of the classes."
                )
            likely_classes = self.class_priors > self.prior_threshold
        return partial_asymmetric_loss(
            logits,
            labels,
            mode=self.mode,
            gammas=(self.gamma_pos, self.gamma_neg, self.gamma_unknown),
            alphas=(self.alpha_pos, self.alpha_neg, self.alpha_unknown),
            margin=self.margin,
            likelihood_topk=self.likelihood_topk,
            likely_classes=likely_classes,
            gather_distributed=self.training,
            reduction=self.reduction,
        )
