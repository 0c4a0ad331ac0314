"""Any timm backbone with a learned projection, for research without a text-aligned tower."""

from pathlib import Path
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from trmml.choices import nearest_names
from trmml.encoders.any_size import TOKEN_FAMILIES, allow_any_size, set_grid
from trmml.encoders.checkpoint import read_checkpoint
from trmml.encoders.image_tower import ImageTower
from trmml.encoders.protocol import ImageFeatures
from trmml.encoders.state_names import names_begin_with
from trmml.stored_files import require_finite
from trmml.typed_module import TypedModule

__all__ = ["TimmImageEncoder"]


class TimmImageEncoder(TypedModule):
    r"""A frozen timm backbone whose positions a learned projection takes into the joint space.

    $$ f_p = W x_p, \qquad f = \frac{1}{N} \sum_p f_p $$

    with $x_p$ the backbone's last feature at position $p$ and $W$ learned. Nothing ties its space
    to a text tower but that learning, so zero-shot scores mean nothing before it.

    Source: not in [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM Multimedia
    2024).
    Differs from the paper: its image tower is CLIP's, with no learned projection.

    Args:
        name: The backbone, such as "resnet50" or "vit_small_patch16_dinov3".
        dim: Size of the joint space.
        pretrained: Whether to download timm's weights; or a file of weights in its place.
        channels_last: Whether to keep the backbone's weights and images channels-last, see
            `ImageTower`.
        autocast_dtype: Precision of the backbone's matrix products, see `ImageTower`.

    Attributes:
        backbone: The frozen tower.
        projection: The learned layer, the only one with gradients.

    Raises:
        ValueError: If the backbone is unknown or gives no feature map for images of any size, or
            the file of weights is damaged, of another backbone, or not finite.

    Examples:
        >>> encoder = TimmImageEncoder("test_vit", dim=8)
        >>> features = encoder(torch.rand(2, 3, 32, 64))
        >>> features.dense.shape, features.grid
        (torch.Size([2, 8, 8]), (2, 4))
    """

    def __init__(
        self,
        name: str,
        *,
        dim: int,
        pretrained: bool | str | Path = False,
        channels_last: bool = True,
        autocast_dtype: torch.dtype | None = None,
    ) -> None:
        """Make the backbone, freeze it, and start a projection."""
        super().__init__()
        if dim < 1:
            raise ValueError(f"`dim` must be at least 1, got {dim}; match the text tower's.")
        self.backbone = _Backbone(_create(name, pretrained), channels_last, autocast_dtype)
        self.projection = nn.Linear(self.backbone.dim, dim, bias=False)
        self.dim = dim
        self.mean = self.backbone.mean
        self.std = self.backbone.std

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> ImageFeatures:
        """Return dense features, their mean, and the grid."""
        dense, grid = self.encode_dense(images)
        return ImageFeatures(dense, dense.mean(dim=1), grid)

    def encode_dense(
        self, images: Float[Tensor, "batch 3 height width"]
    ) -> tuple[Float[Tensor, "batch positions dim"], tuple[int, int]]:
        """Return dense features, with gradients for the projection, and the grid."""
        dense, grid = self.backbone.encode_dense(images)
        return self.projection(dense), grid


class _Backbone(ImageTower):
    def __init__(
        self,
        trunk: Any,  # noqa: ANN401 - timm ships no stubs
        channels_last: bool,
        autocast_dtype: torch.dtype | None,
    ) -> None:
        family, images = type(trunk).__name__, trunk.pretrained_cfg
        if family in TOKEN_FAMILIES:
            allow_any_size(trunk)
        elif images.get("fixed_input_size") or not hasattr(trunk, "forward_intermediates"):
            raise ValueError(
                "`name` must be a backbone with a feature map for images of any size, got "
                f"{family}; choose a convolutional network, a ViT or an EVA."
            )
        last = trunk.feature_info[-1]
        super().__init__(
            trunk,
            dim=last["num_chs"],
            stride=(last["reduction"], last["reduction"]),
            native_size=tuple(images["input_size"][1:]),
            mean=tuple(images["mean"]),
            std=tuple(images["std"]),
            channels_last=channels_last,
            autocast_dtype=autocast_dtype,
        )

    def _encode(
        self, images: Float[Tensor, "batch 3 height width"], *, with_pooled: bool
    ) -> tuple[
        Float[Tensor, "batch positions dim"], Float[Tensor, "batch dim"] | None, tuple[int, int]
    ]:
        trunk = self._ready(images.device)
        set_grid(trunk, (images.shape[2] // self.stride[0], images.shape[3] // self.stride[1]))
        (last,) = trunk.forward_intermediates(
            images, indices=1, norm=True, output_fmt="NCHW", intermediates_only=True
        )
        dense = rearrange(last, "b c h w -> b (h w) c")
        return dense, dense.mean(dim=1) if with_pooled else None, (last.shape[2], last.shape[3])


def _create(name: str, pretrained: bool | str | Path) -> Any:  # noqa: ANN401 - timm has no stubs
    import timm

    if not timm.is_model(name):
        raise ValueError(
            f"`name` must be one of timm's models, got {name!r}; the nearest are "
            f"{', '.join(nearest_names(name, timm.list_models())) or 'none'}."
        )
    if isinstance(pretrained, bool):
        return timm.create_model(name, pretrained=pretrained, num_classes=0)
    if not Path(pretrained).is_file():
        raise FileNotFoundError(
            f"`pretrained` must be True, False or a file, got {str(pretrained)!r}, which does not "
            "exist."
        )
    if Path(pretrained).suffix == ".npz":  # timm has readers of its own for these
        source = {"file": str(pretrained)}
        return timm.create_model(
            name, pretrained=True, pretrained_cfg_overlay=source, num_classes=0
        )
    return _filled(name, Path(pretrained))


def _filled(name: str, path: Path) -> Any:  # noqa: ANN401
    """Build a backbone with the weights of a file.

    timm translates the names of other projects' weights, and passes over what is missing. So it is
    built twice from one state of chance: a weight that stays when all weights of the file change
    is not in the file.

    Raises:
        ValueError: If the file is damaged or of another architecture, or a weight is not finite.
    """
    state = read_checkpoint(path).state
    shifted = {
        key: value * 0.5 + 1 if value.is_floating_point() else value for key, value in state.items()
    }
    trunk, other = (_build(name, path, each) for each in (state, shifted))
    changed = dict(other.named_parameters())
    missing = [key for key, value in trunk.named_parameters() if torch.equal(value, changed[key])]
    if missing:
        prefix = names_begin_with(state)
        remedy = (
            "check the architecture's name"
            if prefix is None
            else f"all names in the file begin with '{prefix}.': save the weights without it"
        )
        raise ValueError(
            f"`pretrained` must hold the weights of {name}, got {str(path)!r}: {len(missing)} "
            f"missing, such as {missing[0]!r}; {remedy}."
        )
    require_finite(dict(trunk.named_parameters()), path=path)
    return trunk


def _build(name: str, path: Path, state: dict[str, Tensor]) -> Any:  # noqa: ANN401
    import timm

    with torch.random.fork_rng(devices=[]):
        torch.set_rng_state(torch.Generator().manual_seed(0).get_state())
        try:
            return timm.create_model(
                name,
                pretrained=True,
                pretrained_cfg_overlay={"state_dict": dict(state)},
                num_classes=0,
            )
        except (RuntimeError, KeyError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            raise ValueError(
                f"`pretrained` must hold the weights of {name}, got {str(path)!r}, which does not "
                f"fit ({reason}); check the architecture's name."
            ) from error
