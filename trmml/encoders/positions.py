"""Position tables of one grid size, used at another."""

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

__all__ = ["resize_positions"]


def resize_positions(
    table: Float[Tensor, "entries channels"], source: tuple[int, int], target: tuple[int, int]
) -> Float[Tensor, "resized channels"]:
    """Interpolate a learned position table to another grid: bicubic, with antialiasing.

    Entries in front of the grid (a class token's) are kept as they are. At its own grid size the
    table comes back untouched.

    Args:
        table: Entries in front, then the grid's, rows first.
        source: Height and width of the table's grid.
        target: Height and width wanted.

    Examples:
        >>> table = torch.arange(5.0).unsqueeze(1)  # one class token, then a 2 x 2 grid
        >>> resize_positions(table, (2, 2), (2, 3)).shape
        torch.Size([7, 1])
    """
    if source == target:
        return table
    front, grid = table.split((len(table) - source[0] * source[1], source[0] * source[1]))
    # half precision has no antialiased kernel on every device
    grid = grid.to(torch.promote_types(table.dtype, torch.float32))
    grid = rearrange(grid, "(h w) d -> 1 d h w", h=source[0])
    grid = F.interpolate(grid, size=target, mode="bicubic", antialias=True, align_corners=False)
    return torch.cat((front, rearrange(grid, "1 d h w -> (h w) d").to(table.dtype)))
