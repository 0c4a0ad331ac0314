"""Complete missing labels at a promised precision, from any evidence, by labels withheld for it."""

from math import inf

import torch
from jaxtyping import Float, Int
from torch import Tensor

from trmml.completion.evidence_regression import EvidenceRegression, evidence_logits
from trmml.completion.promised_precision import (
    ScoreTable,
    score_table,
    threshold_for_precision,
)
from trmml.completion.report import CalibrationReport
from trmml.completion.withheld_labels import (
    CrossFit,
    best_cross_fit,
    class_log_odds,
    evidence_features,
    fit_withheld,
    wide,
)
from trmml.functional import complete_labels
from trmml.functional.checks import check_axes
from trmml.labels import NEGATIVE, POSITIVE, UNKNOWN, Labels, check_labels
from trmml.typed_module import TypedModule

__all__ = ["CalibratedPseudoLabeler"]

SIDES = (POSITIVE, NEGATIVE)


class CalibratedPseudoLabeler(TypedModule):
    r"""Fill in unknown labels as long as what is added is right as often as was promised.

    $$ P(y_{b,c} = 1) = \sigma\Bigl(\sum_k w_k \frac{e_{k,b,c} - \mu_{k,c}}{s_{k,c}}
       + w_\pi \log \frac{\pi_c}{1 - \pi_c} + w_0 + o_c\Bigr) $$

    | symbol | in code | meaning |
    |---|---|---|
    | $e_k$ | `evidence` | any scores that speak for a label, one matrix a kind |
    | $\mu$, $s$ | `mean`, `deviation` | of each kind and class, over the images of the fit |
    | $\pi_c$ | `log_odds` | how often the class is there, among the withheld labels |
    | $w$ | `weights` | one set for all classes |
    | $o_c$ | `offsets` | of each class, as far as its withheld labels ask for one |

    The fit needs labels that are known but **withheld**: nothing that gives the evidence may have
    learnt from them. As they are a random sample of all labels, they tell how often a score is
    right. Labels are then added from the score on where both what the probabilities say and a
    lower bound of what cross-fitted withheld labels show reach the precision asked for; each
    cell is ranked by its logit less `deviations` times its own uncertainty. Too few withheld
    labels, or evidence that says nothing, add nothing; `report` says why.

    Source: this library, after Eq. (9) to (12) of
    [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM Multimedia 2024).
    Differs from the paper: its thresholds are mean similarities, whatever share of the labels above
    them is right; here that share is what is asked for.

    Args:
        num_classes: Number of categories.
        num_evidence: How many kinds of evidence there are, >= 1.
        deviations: How careful to be, in standard deviations, at least 0; 1.28 is meant to keep the
            promise in nine cases of ten.

    Raises:
        ValueError: If a size is below 1, or `deviations` negative or not finite.

    Examples:
        >>> generator = torch.Generator().manual_seed(0)
        >>> truth = torch.where(torch.rand(400, 5, generator=generator) < 0.2, 1, -1)
        >>> evidence = truth + 0.5 * torch.randn(2, 400, 5, generator=generator)
        >>> withheld = torch.where(torch.rand(400, 5, generator=generator) < 0.3, truth, 0)
        >>> labeler = CalibratedPseudoLabeler(5, num_evidence=2).fit(evidence, withheld)
        >>> completed = labeler(evidence, withheld, present=0.9, absent=0.98)
        >>> bool((completed == truth)[completed != 0].double().mean() > 0.95)
        True
    """

    mean: Tensor
    deviation: Tensor
    log_odds: Tensor
    allowed: Tensor
    counts: Tensor
    offset_deviation: Tensor
    tables: Tensor
    weights: Tensor
    offsets: Tensor
    covariance: Tensor
    lean: Tensor
    spread: Tensor

    def __init__(self, num_classes: int, *, num_evidence: int, deviations: float = 1.28) -> None:
        """Start with nothing fitted."""
        super().__init__()
        if num_classes < 1 or num_evidence < 1:
            raise ValueError(
                "`num_classes` and `num_evidence` must be at least 1, got "
                f"{num_classes} and {num_evidence}."
            )
        if not 0 <= deviations < inf:
            raise ValueError(f"`deviations` must be finite and at least 0, got {deviations}.")
        self.num_classes, self.num_evidence, self.deviations = num_classes, num_evidence, deviations
        features = num_evidence + 2  # beside the evidence, the class's log odds and a constant
        empty = torch.zeros(0)
        cells = len(score_table(empty, empty, empty, empty.bool()).edges)
        self.register_buffer("mean", torch.zeros(num_evidence, num_classes))
        self.register_buffer("deviation", torch.ones(num_evidence, num_classes))
        self.register_buffer("log_odds", torch.zeros(num_classes))
        self.register_buffer("weights", torch.full((features,), torch.nan))
        self.register_buffer("offsets", torch.zeros(num_classes))
        self.register_buffer("covariance", torch.zeros(features, features))
        self.register_buffer("lean", torch.zeros(num_classes, features))
        self.register_buffer("spread", torch.zeros(num_classes))
        self.register_buffer("offset_deviation", torch.tensor(0.0))
        self.register_buffer("counts", torch.zeros(2, num_classes, dtype=torch.long))
        self.register_buffer("allowed", torch.zeros(2, num_classes, dtype=torch.bool))
        self.register_buffer("tables", torch.zeros(2, 4, cells))

    @property
    def is_fitted(self) -> bool:
        """Whether `fit` found labels to learn from."""
        return bool(self.weights.isfinite().all())

    @torch.no_grad()
    def fit(
        self, evidence: Float[Tensor, "kinds images classes"], labels: Labels
    ) -> "CalibratedPseudoLabeler":
        """Learn from withheld labels how often evidence is right; an earlier fit is forgotten.

        Args:
            evidence: Scores of all images whose labels may be completed, of any scale.
            labels: Known labels that were withheld, in {-1, +1}; 0 elsewhere.

        Returns:
            This module.

        Raises:
            ValueError: If shapes disagree, evidence is not finite, or labels hold other values.
        """
        self._check(evidence, labels, None)
        check_labels(labels)
        evidence = wide(evidence)
        self.mean.copy_(evidence.mean(1))
        spread = evidence.std(1, correction=0)
        self.deviation.copy_(torch.where(spread > 0, spread, 1))
        self.counts.copy_(torch.stack([(labels == sign).sum(0) for sign in SIDES]))
        both = (self.counts > 0).all(0)
        # Where no negative is known, a positive was not found by chance but chosen.
        self.allowed.copy_(torch.stack([both, self.counts[1] > 0]))
        self.weights.fill_(torch.nan)
        self.tables.zero_()
        if not bool((self.counts.sum(1) > 0).all()):
            self.allowed.zero_()
            return self
        standard = (evidence - wide(self.mean)[:, None]) / wide(self.deviation)[:, None]
        offset_deviation, cross = best_cross_fit(standard, labels)
        self.offset_deviation.fill_(offset_deviation)
        self.log_odds.copy_(class_log_odds(labels))
        fit = fit_withheld(standard, labels, offset_deviation=offset_deviation)
        for name, value in fit._asdict().items():
            getattr(self, name).copy_(value)
        self._tabulate(evidence, labels, cross)
        return self

    @torch.no_grad()
    def probability(
        self,
        evidence: Float[Tensor, "kinds images classes"],
        *,
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> Float[Tensor, "images classes"]:
        """Return how likely each label is positive; nan if the fit had nothing to learn from.

        Args:
            evidence: Scores, as at the fit.
            classes: Categories that the columns stand for, each once; None for all.

        Raises:
            ValueError: If shapes disagree, or evidence is not finite.
        """
        self._check(evidence, None, classes)
        return torch.sigmoid(self._logits(evidence, classes)[0]).to(evidence.dtype)

    @torch.no_grad()
    def forward(
        self,
        evidence: Float[Tensor, "kinds images classes"],
        labels: Labels,
        *,
        present: float | None = 0.9,
        absent: float | None = 0.98,
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> Labels:
        """Return `labels` with unknown entries filled; known ones are never touched.

        Args:
            evidence: Scores, as at the fit.
            labels: Known labels in {-1, 0, +1}, the withheld ones perhaps among them.
            present: Expected share of right ones among the positives that are added, in (0, 1);
                None adds none.
            absent: The same for negatives.
            classes: Categories that the columns stand for, each once; None for all.

        Returns:
            Completed labels of the same type.

        Raises:
            ValueError: If shapes disagree, evidence is not finite, labels hold other values, or a
                precision is outside (0, 1).
        """
        self._check(evidence, labels, classes)
        check_labels(labels)
        logits, uncertainty = self._logits(evidence, classes)
        columns = slice(None) if classes is None else classes
        votes = []
        for side, precision in enumerate((present, absent)):
            score = self._score(logits, uncertainty, side)
            # Whatever precision is enough, no label is added that is less likely than its opposite.
            vote = score >= max(self._threshold(side, precision), 0.0)
            votes.append(vote & self.allowed[side, columns])
        estimates = votes[0].to(torch.int8) - votes[1].to(torch.int8)
        return complete_labels(labels, estimates)

    def report(
        self, *, present: float | None = 0.9, absent: float | None = 0.98
    ) -> CalibrationReport:
        """Say what the calibration stands on, and why it adds nothing where it does not.

        Args:
            present: As in a call.
            absent: As in a call.
        """
        reasons = []
        positives, negatives = self.counts.sum(1).tolist()
        for number, kind in ((positives, "positive"), (negatives, "negative")):
            if not number:
                reasons.append(
                    f"No withheld label is {kind}, so nothing is added: withhold a random part of "
                    "the known labels, or have a random sample looked at."
                )
        if positives and negatives:
            wanted = ((0, present, "positives"), (1, absent, "negatives"))
            for side, precision, kind in wanted:
                if precision is not None and self._threshold(side, precision) == inf:
                    reasons.append(
                        f"No {kind} are added: no score reaches a precision of {precision:.0%} "
                        "for sure, by what it says or by the withheld labels; withhold more, give "
                        "better evidence, or ask for less."
                    )
            for side, kind in ((0, "positives"), (1, "negatives")):
                left_out = int((~self.allowed[side]).sum())
                if left_out:
                    reasons.append(
                        f"{left_out} classes get no {kind}: too few of their labels are withheld "
                        "to say how often they are there."
                    )
        return CalibrationReport(
            positives + negatives, positives, float(self.offset_deviation), tuple(reasons)
        )

    def _tabulate(
        self,
        evidence: Tensor,
        labels: Labels,
        cross: "CrossFit",
    ) -> None:
        """Sort what could be added, and what is withheld, by score."""
        logits, uncertainty = self._logits(evidence, None)
        for side, sign in enumerate(SIDES):
            could = (labels == UNKNOWN) & self.allowed[side]
            held = (labels != UNKNOWN) & self.allowed[side]
            table = score_table(
                self._score(logits, uncertainty, side)[could],
                torch.sigmoid(sign * logits)[could],
                self._score(cross.logits, cross.uncertainty, side)[held],
                (labels == sign)[held],
            )
            self.tables[side].copy_(torch.stack(table[1:]))

    def _score(self, logits: Tensor, uncertainty: Tensor, side: int) -> Tensor:
        return SIDES[side] * logits - self.deviations * uncertainty

    def _threshold(self, side: int, precision: float | None) -> float:
        argument = ("present", "absent")[side]
        if precision is None:
            return inf
        if not 0 < precision < 1:
            raise ValueError(
                f"`{argument}` must be in (0, 1) or None, got {precision}; it is the share of "
                "right ones among the labels added."
            )
        empty = torch.zeros(0)
        edges = score_table(empty, empty, empty, empty.bool()).edges
        table = ScoreTable(edges, *wide(self.tables[side]).cpu())
        return threshold_for_precision(table, precision=precision, deviations=self.deviations)

    def _logits(self, evidence: Tensor, classes: Tensor | None) -> tuple[Tensor, Tensor]:
        columns = slice(None) if classes is None else classes
        mean, deviation = self.mean[:, None, columns], self.deviation[:, None, columns]
        standard = (wide(evidence) - wide(mean)) / wide(deviation)
        fit = EvidenceRegression(
            wide(self.weights),
            wide(self.offsets[columns]),
            wide(self.covariance),
            wide(self.lean[columns]),
            wide(self.spread[columns]),
        )
        return evidence_logits(fit, evidence_features(standard, wide(self.log_odds[columns])))

    def _check(self, evidence: Tensor, labels: Tensor | None, classes: Tensor | None) -> None:
        num_classes = self.num_classes if classes is None else len(classes)
        if (
            evidence.ndim != 3
            or evidence.shape[0] != self.num_evidence
            or evidence.shape[2] != num_classes
        ):
            raise ValueError(
                f"`evidence` must have shape (kinds, images, classes) = ({self.num_evidence}, "
                f"images, {num_classes}), got {tuple(evidence.shape)}."
            )
        if labels is not None:
            check_axes(
                evidence=(evidence, "kinds images classes"), labels=(labels, "images classes")
            )
        if not bool(evidence.isfinite().all()):
            raise ValueError(
                "`evidence` must be finite, got nan or infinity; leave images without evidence out."
            )

    def extra_repr(self) -> str:
        """Show sizes and options in the printed module."""
        return f"{self.num_classes}, num_evidence={self.num_evidence}, deviations={self.deviations}"
