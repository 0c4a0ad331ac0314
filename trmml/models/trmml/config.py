"""Every choice that makes a TRM-ML model, with the paper's values as defaults."""

from dataclasses import dataclass
from math import inf
from typing import Literal

from trmml.choices import check_choices
from trmml.functional.checks import check_at_least, check_numbers, check_temperature
from trmml.models.method_config import MethodConfig

__all__ = ["MIN_TEMPERATURE", "TRMMLConfig"]

MIN_TEMPERATURE = 0.01  # CLIP's own bound: a logit is at most 100 times a cosine

MOST_PROTOTYPES = 65_536  # of a class; a million of them would take gigabytes


@dataclass(frozen=True, kw_only=True)
class TRMMLConfig(MethodConfig):
    """Ingredients and hyper-parameters of `TRMML`; the defaults are the whole method.

    "Ours" marks what the paper leaves open; the docs page of `TRMML` gives the reasons.

    Attributes:
        aggregation: How positions become one score per class: "regions" (CARL, the method),
            "text_pixel" (DualCoOp), or "mean" over all positions (the baseline of Table 3).
        distillation: Whether the region score teaches the query score (KD).
        prototypes: Which prototypes complete labels (MMCP): "both", "visual", "text" or "none".
        contrastive: Whether regions are contrasted with text (MMCL).
        completion: How missing labels are completed in the second stage: by the "paper"'s
            thresholds on the prototypes, once and as often right as was asked for ("calibrated",
            ours), once by rank in each class without a promise ("ranked", ours), or not at all
            ("none").
        context_length: Learnable tokens per prompt.
        class_specific: Whether each class has contexts of its own.
        prompt_init: Words the contexts start from; None draws them from N(0, 0.02).
        negative: "prompt" for dual prompts, "embedding" for a plain negative feature.
        queries: Whether the region queries start from the "text" features of the class names, or
            at "random"; both are the paper's.
        energy: How queries meet positions; "dot" is the paper's, "aligned" ours.
        normalization: "sigmoid" regions (Eq. 2), or "softmax" over positions.
        temperature: Start of the learnable tau of Eq. (1); ours, as in TaI-DPT (1/50).
        spatial_temperature: Softmax temperature of "text_pixel"; DualCoOp's 1/20.
        region_weight: alpha of Eq. (15)'s classification part.
        distillation_weight: beta of Eq. (15).
        contrastive_weight: gamma of Eq. (15).
        distillation_form: What a prediction is in Eq. (6): a coin for each class, or, as printed,
            one distribution over the classes ("softmax").
        contrastive_temperature: Temperature of Eq. (13); ours.
        contrastive_sample: Most prototypes that a step of Eq. (13) looks at, drawn anew each time;
            None looks at all, in time with the square of the number of classes. A bank of up to 312
            classes has no more than the default: there the equation is exact. Ours.
        bank_capacity: Prototypes kept per class; ours.
        bank_top_k: Positions remembered per known positive; ours.
        threshold_momentum: eta of Eq. (11); ours.
        live_text_prototypes: Whether text prototypes follow the prompts in the second stage,
            instead of staying as they were at its start.
        unknown_as_negative: For single-positive data, where no negative is known: unlabelled
            entries that stay unknown count as negative in the classification losses, unless the
            loss has its own way with them, and set the negative thresholds. Ours.
        judged_by: With "calibrated" and "ranked", whose evidence known labels are held to: that of
            two more models, trained before on one half of the known labels each and judging the
            other ("halves"; labels are completed from the first step on), or the model's own
            ("itself").
        judges_share: How long these two are trained, as a share of the epochs.
        withheld_share: With "itself", share of the known labels that neither losses nor bank see
            in the first stage, so that they can tell how often the evidence is right.
        give_back: Whether they are learnt from in the second stage.
        present_precision: Expected share of right ones among the positives that are added; None
            adds none.
        absent_precision: The same for negatives.
        ranked_share: With "ranked", how many of the positives and of the negatives that known
            labels let expect are added.
        completed_weight: What an added label counts beside a known one, with "calibrated" and
            "ranked".
        text_chunk_size: Most prompts in memory at once, see `DualPromptLearner`; None for all.
            Changes no number.
        first_stage_share: Share of the epochs before missing labels are completed; ours.
        prediction_branch: Whose score predicts: that of the "region", as in the paper, of the
            "query", or the mean of "both" (ours). Models without regions have one score.
        decoder_lr_ratio: Learning rate of the region decoder relative to the prompts'; ours. Its
            attention starts from CLIP's own matches, which a full rate would overwrite.
        region_decoder: A saved model whose region decoder the training starts from, as in
            Table 4; None starts afresh.
    """

    method: Literal["trmml"] = "trmml"
    aggregation: Literal["regions", "text_pixel", "mean"] = "regions"
    distillation: bool = True
    prototypes: Literal["both", "visual", "text", "none"] = "both"
    contrastive: bool = True
    completion: Literal["paper", "calibrated", "ranked", "none"] = "paper"

    context_length: int = 16
    class_specific: bool = True
    prompt_init: str | None = None
    negative: Literal["prompt", "embedding"] = "prompt"

    queries: Literal["text", "random"] = "text"
    energy: Literal["aligned", "dot"] = "aligned"
    normalization: Literal["sigmoid", "softmax"] = "sigmoid"
    temperature: float = 0.02
    spatial_temperature: float = 0.05

    region_weight: float = 1.0
    distillation_weight: float = 0.05
    contrastive_weight: float = 0.01
    distillation_form: Literal["bernoulli", "softmax"] = "bernoulli"
    contrastive_temperature: float = 0.07
    contrastive_sample: int | None = 10_000

    bank_capacity: int = 32
    bank_top_k: int = 2
    threshold_momentum: float = 0.9
    live_text_prototypes: bool = False
    unknown_as_negative: bool = False
    judged_by: Literal["halves", "itself"] = "halves"
    judges_share: float = 0.5
    withheld_share: float = 0.25
    give_back: bool = True
    present_precision: float | None = 0.6
    absent_precision: float | None = 0.95
    ranked_share: float = 0.25
    completed_weight: float = 1.0
    text_chunk_size: int | None = None

    prediction_branch: Literal["region", "query", "both"] = "region"
    first_stage_share: float = 0.25
    decoder_lr_ratio: float = 0.4
    region_decoder: str | None = None

    def __post_init__(self) -> None:
        """Refuse unknown options and ingredients that need regions where there are none.

        Raises:
            ValueError: If a value is outside its range or contradicts another.
        """
        check_choices(self)
        check_numbers(self, bank_capacity=MOST_PROTOTYPES, bank_top_k=MOST_PROTOTYPES)
        if not MIN_TEMPERATURE <= self.temperature < inf:
            raise ValueError(
                f"`temperature` must be at least {MIN_TEMPERATURE}, got {self.temperature}; below, "
                "it would be cut off and never learn."
            )
        for name in ("spatial_temperature", "contrastive_temperature"):
            check_temperature(getattr(self, name), argument=name)
        check_at_least(self, 0, "region_weight", "distillation_weight", "contrastive_weight")
        if not 0 <= self.first_stage_share <= 1:
            raise ValueError(
                f"`first_stage_share` must be in [0, 1], got {self.first_stage_share}."
            )
        if not self.decoder_lr_ratio > 0:
            raise ValueError(f"`decoder_lr_ratio` must be above 0, got {self.decoder_lr_ratio}.")
        if not 0 < self.withheld_share < 1:
            raise ValueError(
                f"`withheld_share` must be in (0, 1), got {self.withheld_share}; the others teach."
            )
        if not 0 < self.ranked_share <= 1:
            raise ValueError(f"`ranked_share` must be in (0, 1], got {self.ranked_share}.")
        if not 0 < self.judges_share < inf:
            raise ValueError(f"`judges_share` must be above 0, got {self.judges_share}.")
        for name in ("present_precision", "absent_precision"):
            precision = getattr(self, name)
            if precision is not None and not 0 < precision < 1:
                raise ValueError(f"`{name}` must be in (0, 1) or None, got {precision}.")
        if not 0 <= self.completed_weight <= 1:
            raise ValueError(f"`completed_weight` must be in [0, 1], got {self.completed_weight}.")
        if self.region_decoder is not None and self.aggregation != "regions":
            raise ValueError(
                "`region_decoder` needs a model with regions, got `aggregation` = "
                f"{self.aggregation!r}."
            )
        for name in ("contrastive_sample", "text_chunk_size"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"`{name}` must be at least 1 or None, got {value}.")
        needs_regions = self.distillation or self.contrastive or self.prototypes != "none"
        if self.aggregation != "regions" and needs_regions:
            raise ValueError(
                f"`aggregation` = {self.aggregation!r} has no regions, so `distillation` and "
                "`contrastive` must be False and `prototypes` 'none'; see "
                "`trmml.models.ABLATIONS['baseline']`."
            )

    @property
    def counts_unknown_as_negative(self) -> bool:
        """Whether labels that stay unknown count as negative, in validation too."""
        return self.unknown_as_negative

    def first_stage_epochs(self, epochs: int) -> int:
        """Return the epochs of the first stage, of a training of so many."""
        return round(self.first_stage_share * epochs)
