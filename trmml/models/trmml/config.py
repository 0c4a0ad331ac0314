"""Every choice that makes a TRM-ML model, with the paper's values as defaults."""

from dataclasses import dataclass, fields
from math import inf
from typing import Literal

from trmml.functional.checks import check_choice, check_temperature

__all__ = ["MIN_TEMPERATURE", "TRMMLConfig"]

MIN_TEMPERATURE = 0.01  # CLIP's own bound: a logit is at most 100 times a cosine


@dataclass(frozen=True, kw_only=True)
class TRMMLConfig:
    """Ingredients and hyper-parameters of `TRMML`; the defaults are the whole method.

    "Ours" marks what the paper leaves open; the docs page of `TRMML` gives the reasons.

    Attributes:
        aggregation: How positions become one score per class: "regions" (CARL, the method),
            "text_pixel" (DualCoOp), or "mean" over all positions (the baseline of Table 3).
        distillation: Whether the region score teaches the query score (KD).
        prototypes: Which prototypes complete labels (MMCP): "both", "visual", "text" or "none".
        contrastive: Whether regions are contrasted with text (MMCL).
        context_length: Learnable tokens per prompt.
        class_specific: Whether each class has contexts of its own.
        prompt_init: Words the contexts start from; None draws them from N(0, 0.02).
        negative: "prompt" for dual prompts, "embedding" for a plain negative feature.
        energy: How queries meet positions; "dot" is the paper's, "aligned" ours.
        normalization: "sigmoid" regions (Eq. 2), or "softmax" over positions.
        temperature: Start of the learnable tau of Eq. (1); ours, as in TaI-DPT (1/50).
        spatial_temperature: Softmax temperature of "text_pixel"; DualCoOp's 1/20.
        region_weight: alpha of Eq. (15)'s classification part.
        distillation_weight: beta of Eq. (15).
        contrastive_weight: gamma of Eq. (15).
        gamma_pos: Focusing exponent of positives in the asymmetric loss.
        gamma_neg: Focusing exponent of negatives.
        margin: Probability shift of negatives.
        contrastive_temperature: Temperature of Eq. (13); ours.
        bank_capacity: Prototypes kept per class; ours.
        bank_top_k: Positions remembered per known positive; ours.
        threshold_momentum: eta of Eq. (11); ours.
        live_text_prototypes: Whether text prototypes follow the prompts in the second stage,
            instead of staying as they were at its start.
        unknown_as_negative: For single-positive data, where no negative is known: unlabelled
            entries that stay unknown count as negative in the classification losses and set the
            negative thresholds. Ours.
        text_chunk_size: Most prompts in memory at once, see `DualPromptLearner`; None for all.
            Changes no number.
    """

    aggregation: Literal["regions", "text_pixel", "mean"] = "regions"
    distillation: bool = True
    prototypes: Literal["both", "visual", "text", "none"] = "both"
    contrastive: bool = True

    context_length: int = 16
    class_specific: bool = True
    prompt_init: str | None = None
    negative: Literal["prompt", "embedding"] = "prompt"

    energy: Literal["aligned", "dot"] = "aligned"
    normalization: Literal["sigmoid", "softmax"] = "sigmoid"
    temperature: float = 0.02
    spatial_temperature: float = 0.05

    region_weight: float = 1.0
    distillation_weight: float = 0.05
    contrastive_weight: float = 0.01
    gamma_pos: float = 1.0
    gamma_neg: float = 2.0
    margin: float = 0.05
    contrastive_temperature: float = 0.07

    bank_capacity: int = 32
    bank_top_k: int = 2
    threshold_momentum: float = 0.9
    live_text_prototypes: bool = False
    unknown_as_negative: bool = False
    text_chunk_size: int | None = None

    def __post_init__(self) -> None:
        """Refuse unknown options and ingredients that need regions where there are none.

        Raises:
            ValueError: If a value is outside its range or contradicts another.
        """
        allowed = {
            "aggregation": ("regions", "text_pixel", "mean"),
            "prototypes": ("both", "visual", "text", "none"),
            "negative": ("prompt", "embedding"),
            "energy": ("aligned", "dot"),
            "normalization": ("sigmoid", "softmax"),
        }
        for name, choices in allowed.items():
            check_choice(getattr(self, name), argument=name, choices=choices)
        if not MIN_TEMPERATURE <= self.temperature < inf:
            raise ValueError(
                f"`temperature` must be at least {MIN_TEMPERATURE}, got {self.temperature}; below, "
                "it would be cut off and never learn."
            )
        for name in ("spatial_temperature", "contrastive_temperature"):
            check_temperature(getattr(self, name), argument=name)
        for name in ("region_weight", "distillation_weight", "contrastive_weight"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"`{name}` must be at least 0, got {getattr(self, name)}.")
        if self.text_chunk_size is not None and self.text_chunk_size < 1:
            raise ValueError(
                f"`text_chunk_size` must be at least 1 or None, got {self.text_chunk_size}."
            )
        needs_regions = self.distillation or self.contrastive or self.prototypes != "none"
        if self.aggregation != "regions" and needs_regions:
            raise ValueError(
                f"`aggregation` = {self.aggregation!r} has no regions, so `distillation` and "
                "`contrastive` must be False and `prototypes` 'none'; see "
                "`trmml.models.ABLATIONS['baseline']`."
            )

    @classmethod
    def from_dict(cls, values: dict[str, object]) -> "TRMMLConfig":
        """Build a configuration from plain values, as read from JSON.

        Raises:
            ValueError: If a key is unknown or a value is refused.
        """
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(f"`values` must hold known settings only, got also {unknown}.")
        return cls(**values)  # pyright: ignore[reportArgumentType] - checked by __post_init__
