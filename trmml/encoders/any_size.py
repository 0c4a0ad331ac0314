"""timm's transformers at any image size."""

from typing import Any

__all__ = ["TOKEN_FAMILIES", "allow_any_size", "set_grid"]

TOKEN_FAMILIES = ("VisionTransformer", "Eva")


def allow_any_size(trunk: Any) -> None:  # noqa: ANN401 - timm ships no stubs
    """Let a timm transformer take any grid; its position table is then interpolated as needed.

    Args:
        trunk: One of `TOKEN_FAMILIES`, changed in place. At its own size it gives the same numbers
            as before.
    """
    from timm.layers.format import Format

    trunk.dynamic_img_size = True
    trunk.patch_embed.img_size = None  # no check against one size
    trunk.patch_embed.flatten = False
    trunk.patch_embed.output_fmt = Format.NHWC


def set_grid(trunk: Any, grid: tuple[int, int]) -> None:  # noqa: ANN401 - timm ships no stubs
    """Tell rotary position embeddings the grid of the images to come; others need no telling."""
    if getattr(trunk, "rope", None) is not None:
        trunk.rope.update_feat_shape(grid)
