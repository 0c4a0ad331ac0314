"""CLIP's vision transformers: dense features by the last block's value path."""

from typing import Any, Literal

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from trmml.encoders.image_tower import ImageTower
from trmml.encoders.positions import resize_positions
from trmml.encoders.value_path import attention_value_path

__all__ = ["DensePath", "VisionTransformerTower"]

DensePath = Literal["value", "tokens"]


class VisionTransformerTower(ImageTower):
    r"""Dense features of open_clip's vision transformers (B/32, B/16, L/14, ...).

    Only the class token was trained to match text. In the last block it gathers
    $\sum_p a_p\, o(v(x_p))$ from the patches, so that a patch's own contribution lives in the joint
    space, where its token after the block need not. `dense_path` chooses

    $$ f_p = W\, \mathrm{ln}(t_p), \qquad
       t_p = \begin{cases} o(v(x_p)) & \text{"value"} \\
             \text{block}(x)_p & \text{"tokens"} \end{cases} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $x_p$ | `tokens` | patch token before the last block (its first norm is part of $v$) |
    | $v$, $o$ | `attn.in_proj_weight`, `attn.out_proj` | value and output projection |
    | ln, $W$ | `visual.ln_post`, `visual.proj` | final norm and projection |

    "value" is the idea of MaskCLIP (Zhou et al., ECCV 2022), without the block's residual and MLP:
    [ClearCLIP](https://arxiv.org/abs/2407.12442) (Lan et al., ECCV 2024) finds the residual stream
    to be the main source of noise in dense CLIP features, and the MLP of no help. "tokens" are the
    tower's final tokens, right where it pools them by their mean.

    Source: Section 3.1 of [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM
    Multimedia 2024), with the value path of [MaskCLIP](https://arxiv.org/abs/2112.01071).
    Differs from the paper: it reports ResNets alone; this is their value path carried over.

    Args:
        visual: An `open_clip.transformer.VisionTransformer`; it is frozen in place.
        mean: Channel means of its images, of pixels in [0, 1].
        std: Channel standard deviations, likewise.
        dense_path: One of the above; None takes "tokens" where the tower pools by the mean of its
            patches (CLIPA) and "value" where it has a class token (all others).
        channels_last: Whether to keep weights and images channels-last.
        autocast_dtype: Precision of the tower's matrix products, see `ImageTower`.

    Raises:
        ValueError: If the tower pools by attention (CoCa), or has custom blocks and `dense_path`
            needs to look into them, or images come in a size that is not a multiple of the patch.
    """

    def __init__(
        self,
        visual: Any,  # noqa: ANN401 - open_clip ships no stubs
        *,
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
        dense_path: DensePath | None = None,
        channels_last: bool = False,
        autocast_dtype: torch.dtype | None = None,
    ) -> None:
        """Freeze the tower and choose its dense path."""
        if visual.attn_pool is not None or visual.output_tokens:
            raise ValueError(
                "`visual` must pool by its class token or by the mean of its patches, got a tower "
                "of the CoCa family; choose a CLIP or SigLIP architecture."
            )
        if dense_path is None:
            dense_path = "tokens" if visual.pool_type == "avg" else "value"
        if dense_path not in ("value", "tokens"):
            raise ValueError(
                f"`dense_path` must be 'value' or 'tokens', got {dense_path!r}; leave it out for "
                "the tower's default."
            )
        last = visual.transformer.resblocks[-1]
        if dense_path != "tokens" and not isinstance(last.attn, nn.MultiheadAttention):
            raise ValueError(
                f"`dense_path` must be 'tokens' for a tower of {type(last).__name__}, "
                f"got {dense_path!r}; its attention has no plain value path."
            )
        super().__init__(
            visual,
            dim=visual.output_dim,
            stride=visual.patch_size,
            native_size=visual.image_size,
            mean=mean,
            std=std,
            channels_last=channels_last,
            autocast_dtype=autocast_dtype,
        )
        self.dense_path: DensePath = dense_path

    def _encode(
        self, images: Float[Tensor, "batch 3 height width"], *, with_pooled: bool
    ) -> tuple[
        Float[Tensor, "batch positions dim"], Float[Tensor, "batch dim"] | None, tuple[int, int]
    ]:
        visual = self._ready(images.device)
        tokens, grid = _embedded(visual, images)
        *blocks, last = visual.transformer.resblocks
        for block in blocks:
            tokens = block(tokens)
        plain = self.dense_path == "tokens"
        final = last(tokens) if plain or with_pooled else tokens
        if plain:
            patches = final[:, 1:]
        else:
            patches = last.ls_1(attention_value_path(last.attn, last.ln_1(tokens[:, 1:])))
        dense = visual.ln_post(patches) @ visual.proj
        return dense, visual._pool(final)[0] @ visual.proj if with_pooled else None, grid


def _embedded(
    visual: Any,  # noqa: ANN401 - open_clip ships no stubs
    images: Float[Tensor, "batch 3 height width"],
) -> tuple[Float[Tensor, "batch tokens channels"], tuple[int, int]]:
    patches = visual.conv1(images)
    grid = (patches.shape[2], patches.shape[3])
    patches = rearrange(patches, "b d h w -> b (h w) d")
    table = resize_positions(visual.positional_embedding, visual.grid_size, grid)
    start = visual.class_embedding.to(patches.dtype).expand(patches.shape[0], 1, -1)
    tokens = torch.cat((start, patches), dim=1) + table.to(patches.dtype)
    return visual.ln_pre(tokens), grid
