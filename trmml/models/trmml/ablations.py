"""The paper's ablations as configurations: each row of Tables 3 and 6 by name."""

from typing import Final

from trmml.models.trmml.config import TRMMLConfig

__all__ = ["ABLATIONS", "PROTOTYPE_ABLATIONS"]


def _row(
    *, distillation: bool = False, prototypes: str = "none", contrastive: bool = False
) -> TRMMLConfig:
    return TRMMLConfig.from_dict(
        {"distillation": distillation, "prototypes": prototypes, "contrastive": contrastive}
    )


_NO_REGIONS: dict[str, object] = {"distillation": False, "prototypes": "none", "contrastive": False}

ABLATIONS: Final[dict[str, TRMMLConfig]] = {
    "dualcoop": TRMMLConfig.from_dict({"aggregation": "text_pixel", **_NO_REGIONS}),
    "baseline": TRMMLConfig.from_dict({"aggregation": "mean", **_NO_REGIONS}),
    "carl": _row(),
    "carl+kd": _row(distillation=True),
    "carl+kd+mmcp": _row(distillation=True, prototypes="both"),
    "carl+kd+mmcl": _row(distillation=True, contrastive=True),
    "all": TRMMLConfig(),
}
"""Rows of Table 3, and "dualcoop", the method whose attention its "baseline" leaves out."""

PROTOTYPE_ABLATIONS: Final[dict[str, TRMMLConfig]] = {
    "none": _row(distillation=True),
    "text": _row(distillation=True, prototypes="text"),
    "visual": _row(distillation=True, prototypes="visual"),
    "both": _row(distillation=True, prototypes="both"),
}
"""Rows of Table 6: prototypes alone, without contrastive learning."""
