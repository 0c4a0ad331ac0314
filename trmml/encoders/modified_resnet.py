"""CLIP's own ResNets: dense features without the attention of their pooling."""

import math
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import linear

from trmml.encoders.batch_norm_folding import fold_batch_norms
from trmml.encoders.frozen_copies import FrozenCopies
from trmml.encoders.image_tower import ImageTower
from trmml.encoders.positions import resize_positions

__all__ = ["ModifiedResNetTower"]


class ModifiedResNetTower(ImageTower):
    r"""Dense features of CLIP's ResNets (RN50, RN101, RN50x4, ...).

    Their last map $x$ is pooled by attention: $\sum_p a_p\, v(x_p)$, then an output projection $c$
    into the joint space. A position's own feature is what the pool would give if it attended to
    that position alone,

    $$ f_p = c(v(x_p)), $$

    | symbol | in code | meaning |
    |---|---|---|
    | $x_p$ | `x` | last map at position $p$ |
    | $v$, $c$ | `attnpool.v_proj`, `attnpool.c_proj` | value and output projection |

    The pool adds a position embedding to $x$ first. Dense features leave it out, as
    [TaI-DPT](https://arxiv.org/abs/2211.12739) (Guo et al., CVPR 2023) does: what is at a position
    should not depend on where that is, and any input size then needs no interpolation. The pooled
    feature keeps it, interpolated.

    Its batch norms never learn here, so a copy of the convolutions does their work.

    Source: Section 3.1 of [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM
    Multimedia 2024).
    Differs from the paper: nothing; it does not say whether the position embedding is added.

    Args:
        visual: An `open_clip.modified_resnet.ModifiedResNet`; it is frozen in place.
        mean: Channel means of its images, of pixels in [0, 1].
        std: Channel standard deviations, likewise.
        channels_last: Whether to keep weights and images channels-last.
        autocast_dtype: Precision of the tower's matrix products, see `ImageTower`.

    Raises:
        ValueError: If images come in a size that is not a multiple of 32.
    """

    def __init__(
        self,
        visual: Any,  # noqa: ANN401 - open_clip ships no stubs
        *,
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
        channels_last: bool = False,
        autocast_dtype: torch.dtype | None = None,
    ) -> None:
        """Freeze the tower; its native size follows from the pool's position table."""
        entries = len(visual.attnpool.positional_embedding)
        side = math.isqrt(entries - 1)
        super().__init__(
            visual,
            dim=visual.attnpool.c_proj.out_features,
            stride=(32, 32),
            native_size=(32 * side, 32 * side),
            mean=mean,
            std=std,
            channels_last=channels_last,
            autocast_dtype=autocast_dtype,
        )
        self._pool_grid = (side, side)
        self._copies = FrozenCopies(visual, prepare=self._fold)

    @torch.no_grad()
    def position_features(self, grid: tuple[int, int]) -> Float[Tensor, "entries dim"]:
        r"""Return what the pool's position embedding would add to the features.

        $$ c(v(x_p + e_p)) = f_p + C V e_p $$

        Args:
            grid: Height and width of the grid, as `encode_dense` returns it.

        Returns:
            That of the mean of all positions, which the pool puts first, then of each position.
        """
        pool: Any = self.visual.attnpool
        table = resize_positions(pool.positional_embedding, self._pool_grid, grid)
        return linear(linear(table, pool.v_proj.weight), pool.c_proj.weight)

    def prepare_for_graph(self) -> None:
        """Set aside what is of the machine, and let the folded weights take the others' place."""
        super().prepare_for_graph()
        self.visual = self._copies()
        self._copies = FrozenCopies(self.visual)

    @staticmethod
    def _fold(visual: Any) -> nn.Module:  # noqa: ANN401 - open_clip ships no stubs
        return fold_batch_norms(visual, share=(visual.attnpool,))

    def _encode(
        self, images: Float[Tensor, "batch 3 height width"], *, with_pooled: bool
    ) -> tuple[
        Float[Tensor, "batch positions dim"], Float[Tensor, "batch dim"] | None, tuple[int, int]
    ]:
        visual = self._ready(images.device)
        x = visual.stem(images)
        for stage in (visual.layer1, visual.layer2, visual.layer3, visual.layer4):
            x = stage(x)
        pool, grid = visual.attnpool, (x.shape[2], x.shape[3])
        dense = pool.c_proj(pool.v_proj(rearrange(x, "b c h w -> b (h w) c")))
        if not with_pooled:
            return dense, None, grid
        table = resize_positions(pool.positional_embedding, self._pool_grid, grid)
        pooled = functional_call(pool, {"positional_embedding": table}, (x,))
        return dense, pooled, grid
