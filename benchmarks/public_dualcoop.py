"""What a step of DualCoOp's public code computes: the second yardstick of `training_step.py`.

The plain step of `plain_dualcoop.py` is what a careful person writes from the paper. The code that
a user would pick instead (sunxm2357/DualCoOp) does more work for the same result: its text tower's
weights require gradients that nothing takes, its activations are QuickGELU in three operations, as
the published weights want them, it computes the whole attention pool and drops it, matches the mean
of all positions and a position table as well, and encodes all prompts again for each batch that it
scores. This file does the same work, from that description; no code is copied.
"""

from typing import Any

import torch
from einops import rearrange
from torch import Tensor

from benchmarks.plain_dualcoop import PlainDualCoOp

__all__ = ["PublicDualCoOp"]


class PublicDualCoOp(PlainDualCoOp):
    """Dual prompts over an open_clip ResNet with QuickGELU, made for images of one size."""

    def __init__(self, clip: Any, tokenizer: Any, class_names: list[str]) -> None:  # noqa: ANN401
        """Let the text tower's weights require gradients."""
        super().__init__(clip, tokenizer, class_names)
        self.clip.transformer.requires_grad_(True)
        self.clip.ln_final.requires_grad_(True)
        self.clip.text_projection.requires_grad_(True)

    def encode_image(self, images: Tensor) -> Tensor:
        """Encode mean and positions with the position table: (batch, 1 + positions, dim)."""
        visual = self.clip.visual
        pool = visual.attnpool
        grid = visual.stem(images)
        grid = visual.layer4(visual.layer3(visual.layer2(visual.layer1(grid))))
        pool(grid)  # nothing takes what it returns
        x = rearrange(grid, "batch dim height width -> batch (height width) dim")
        x = torch.cat([x.mean(dim=1, keepdim=True), x], dim=1) + pool.positional_embedding
        return pool.c_proj(pool.v_proj(x))
