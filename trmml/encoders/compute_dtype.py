"""The precision that image towers compute predictions in: half where it pays, and said."""

from typing import Any, Final, Literal

import torch

from trmml.choices import check_choice
from trmml.encoders.image_tower import towers_in
from trmml.encoders.protocol import ImageEncoder

__all__ = ["ComputeDtype", "compute_in", "computed_in"]

ComputeDtype = Literal["auto", "float32", "bfloat16"]

INSTRUCTIONS: Final = ("amx_bf16", "avx512_bf16")  # of processors, the faster first


def compute_in(encoder: ImageEncoder, dtype: ComputeDtype) -> str:
    """Choose the precision of an image tower's matrix products, and say in words what it is.

    Prompts, regions and scores stay in full precision: they cost little beside the tower.

    Args:
        encoder: Changed in place, where it lies.
        dtype: "bfloat16"; "float32", or whatever else its weights are in; or "auto", which is
            bfloat16 on a GPU or a processor that computes it fast, and else float32.

    Returns:
        Such as "bfloat16, which this processor is fast in (amx_bf16)".

    Raises:
        ValueError: If there is no such precision, or "bfloat16" is asked of a tower of one's own,
            which computes as it was made.

    Examples:
        >>> from trmml.encoders import load_tiny
        >>> compute_in(load_tiny().image, "bfloat16")
        'bfloat16, as asked for'
    """
    check_choice(dtype, ComputeDtype, argument="dtype")
    towers = towers_in(encoder)
    if not towers:
        if dtype == "bfloat16":
            raise ValueError(
                "`dtype` must be 'auto' or 'float32' for a tower of one's own, got 'bfloat16': it "
                "computes as it was made."
            )
        return "what the tower of one's own was made for"
    reason = _fast_in_bfloat16(next(towers[0].parameters()).device)
    chosen = torch.bfloat16 if dtype == "bfloat16" or (dtype == "auto" and reason) else None
    for tower in towers:
        tower.autocast_dtype = chosen
    if dtype != "auto":
        return f"{dtype}, as asked for"
    if reason is None:
        return "float32; nothing here is known to be fast in bfloat16"
    return f"bfloat16, which {reason}"


def computed_in(encoder: ImageEncoder) -> str:
    """Name the precision of an image tower's matrix products, such as "float32"."""
    towers = towers_in(encoder)
    if not towers:
        return "its own"
    own = next(towers[0].parameters()).dtype
    return str(towers[0].autocast_dtype or own).removeprefix("torch.")


def _fast_in_bfloat16(device: torch.device) -> str | None:
    """Say what makes a device fast in bfloat16; None if nothing is known to."""
    if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return "this GPU is fast in"
    if device.type == "cpu":
        found = _processor()
        for name in INSTRUCTIONS:
            if found.get(name):
                return f"this processor is fast in ({name})"
    return None


def _processor() -> dict[str, Any]:
    """Return what torch knows of the processor; older versions know nothing."""
    return dict(getattr(torch.cpu, "get_capabilities", dict)())
