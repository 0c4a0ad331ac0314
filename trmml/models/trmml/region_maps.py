"""Where each class is seen, at the resolution of the image tower."""

from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from trmml.functional import region_mask
from trmml.models.trmml.config import TRMMLConfig
from trmml.models.trmml.outputs import TRMMLOutput

__all__ = ["region_maps"]


def region_maps(
    output: TRMMLOutput, config: TRMMLConfig
) -> Float[Tensor, "batch classes height width"]:
    """Return one map per image and class, of the height and width of the grid.

    With "sigmoid" regions it is the soft region of Eq. (2) of TRM-ML (Ma et al., ACM Multimedia
    2024); with "softmax" ones the weights, scaled to a maximum of 1; without regions the
    probability that each position alone would give.

    Args:
        output: What the model returned.
        config: Its configuration.

    Returns:
        Values in [0, 1].
    """
    softmax = config.aggregation == "regions" and config.normalization == "softmax"
    mask = region_mask(output.energy.float(), normalization="softmax" if softmax else "sigmoid")
    if softmax:
        mask = mask / mask.amax(dim=-1, keepdim=True)
    return rearrange(mask, "b c (h w) -> b c h w", h=output.grid[0], w=output.grid[1])
