"""Image towers of timm inside open_clip: ConvNeXt, SigLIP, EVA, ViTamin, MobileCLIP, PE."""

from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from trmml.encoders.any_size import TOKEN_FAMILIES, allow_any_size, set_grid
from trmml.encoders.image_tower import ImageTower
from trmml.encoders.value_path import attention_value_path, pool_value_path
from trmml.encoders.vision_transformer import DensePath

__all__ = ["TimmTower"]

_FAMILIES = ("ConvNeXt", "FastVit", *TOKEN_FAMILIES)
_BLOCKS = ("Block", "EvaBlock")


class TimmTower(ImageTower):
    r"""Dense features of the timm towers that open_clip's models use.

    Each position gets the feature that the tower's own head would give an image of that position
    alone. What that takes depends on the pooling:

    | pooling | towers | $f_p$ |
    |---|---|---|
    | mean of a map | ConvNeXt, FastViT (MobileCLIP-S) | the whole head on $x_p$ |
    | mean of the patches | ViTamin, ViT "gap" | norm and projection of $x_p$ |
    | attention | SigLIP, SigLIP 2, PE-Core | the pool's value path and MLP, then the projection |
    | class token | EVA, EVA-02, MobileCLIP-B | as `VisionTransformerTower`, by `dense_path` |

    Source: Section 3.1 of [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM
    Multimedia 2024).
    Differs from the paper: it reports CLIP's ResNets alone.

    Args:
        visual: An `open_clip.timm_model.TimmModel`; it is frozen in place, and its transformer is
            set to take images of any size.
        mean: Channel means of its images, of pixels in [0, 1].
        std: Channel standard deviations, likewise.
        dense_path: "value" or "tokens" for towers with a class token (None: "value"), else None.
        channels_last: Whether to keep weights and images channels-last.
        autocast_dtype: Precision of the tower's matrix products, see `ImageTower`.

    Raises:
        ValueError: If the family has no dense features here, or `dense_path` does not apply to it.
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
        """Freeze the tower and choose its way to dense features."""
        trunk, family = visual.trunk, type(visual.trunk).__name__
        pooling = getattr(trunk, "global_pool", "") if family in TOKEN_FAMILIES else "mean of a map"
        if family not in _FAMILIES or "pool" in dict(visual.head.named_children()):
            raise ValueError(
                f"`visual` must be of a family with dense features ({', '.join(_FAMILIES)} "
                f"with their own pooling), got {family}; choose another architecture."
            )
        if pooling not in ("mean of a map", "avg", "map", "token"):
            raise ValueError(
                f"`visual` must pool by 'avg', 'map' or 'token', got {family} pooling by "
                f"{pooling!r}; its pooled feature says nothing about single positions."
            )
        if dense_path is not None and (pooling != "token" or dense_path not in ("value", "tokens")):
            raise ValueError(
                "`dense_path` must be None, or 'value' or 'tokens' for a tower with a class "
                f"token, got {dense_path!r} for {family} pooling by {pooling!r}; leave it out."
            )
        if pooling == "token" and dense_path is None:
            dense_path = "value"
        if dense_path == "value":
            _check_value_path(trunk.blocks[-1])
        if family in TOKEN_FAMILIES:
            allow_any_size(trunk)
            stride = tuple(trunk.patch_embed.feat_ratio(as_scalar=False))
        else:
            stride = (trunk.feature_info[-1]["reduction"],) * 2
        projections = [m for m in visual.head.modules() if isinstance(m, nn.Linear)]
        super().__init__(
            visual,
            dim=projections[-1].out_features if projections else _trunk_dim(trunk),
            stride=stride,
            native_size=tuple(visual.image_size),
            mean=mean,
            std=std,
            channels_last=channels_last,
            autocast_dtype=autocast_dtype,
        )
        self.pooling: str = pooling
        self.dense_path = dense_path

    def _encode(
        self, images: Float[Tensor, "batch 3 height width"], *, with_pooled: bool
    ) -> tuple[
        Float[Tensor, "batch positions dim"], Float[Tensor, "batch dim"] | None, tuple[int, int]
    ]:
        visual = self._ready(images.device)
        trunk = visual.trunk
        if self.pooling == "mean of a map":
            final = trunk.forward_features(images)
            grid = (final.shape[2], final.shape[3])
            alone = rearrange(final, "b c h w -> (b h w) c 1 1")
            dense = visual.head(trunk.forward_head(alone))
            dense = dense.unflatten(0, (images.shape[0], grid[0] * grid[1]))
        else:
            grid = (images.shape[2] // self.stride[0], images.shape[3] // self.stride[1])
            set_grid(trunk, grid)
            patches, final = self._patches(trunk, images, with_final=with_pooled)
            dense = visual.head(trunk.head(trunk.fc_norm(patches)))
        return dense, visual.head(trunk.forward_head(final)) if with_pooled else None, grid

    def _patches(
        self,
        trunk: Any,  # noqa: ANN401 - timm ships no stubs
        images: Float[Tensor, "batch 3 height width"],
        *,
        with_final: bool,
    ) -> tuple[
        Float[Tensor, "batch positions channels"], Float[Tensor, "batch tokens channels"] | None
    ]:
        if self.dense_path != "value":
            final = trunk.forward_features(images)
            patches = final[:, trunk.num_prefix_tokens :]
            if self.pooling == "map":
                patches = pool_value_path(trunk.attn_pool, patches)
            return patches, final
        wanted = {"indices": [len(trunk.blocks) - 2], "output_fmt": "NLC"}
        if with_final:
            final, (before,) = trunk.forward_intermediates(images, **wanted)
        else:
            (before,) = trunk.forward_intermediates(
                images, **wanted, stop_early=True, intermediates_only=True
            )
            final = None
        last = trunk.blocks[-1]
        value = attention_value_path(last.attn, last.norm1(before))
        if hasattr(last, "ls1"):
            value = last.ls1(value)
        elif last.gamma_1 is not None:
            value = last.gamma_1 * value
        return trunk.norm(value), final


def _check_value_path(block: Any) -> None:  # noqa: ANN401 - timm ships no stubs
    name = type(block).__name__
    if name not in _BLOCKS or getattr(block.attn, "gate", None) is not None:
        raise ValueError(
            f"`dense_path` must be 'tokens' for a tower of {name}, got 'value'; its last block "
            "has no plain value path."
        )


def _trunk_dim(trunk: Any) -> int:  # noqa: ANN401 - timm ships no stubs
    return trunk.num_classes or trunk.num_features
