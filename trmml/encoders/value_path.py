"""What attention gives where every position attends to itself alone."""

from typing import Any

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["attention_value_path", "pool_value_path"]


def attention_value_path(
    attention: Any,  # noqa: ANN401 - attention layers of three libraries
    x: Float[Tensor, "batch positions channels"],
) -> Float[Tensor, "batch positions channels"]:
    r"""Project each position to its value and out again, with no attention between positions.

    $$ f_p = o(v(x_p)) $$

    It is the layer's own output for a sequence of that position alone, whose softmax is 1, at the
    cost of two projections.

    Args:
        attention: Torch's `MultiheadAttention`, or an attention layer of timm's ViT or EVA.
        x: Positions, already normalised as the layer expects.

    Examples:
        >>> import torch
        >>> attention = nn.MultiheadAttention(4, 2, batch_first=True)
        >>> x = torch.rand(1, 3, 4)
        >>> alone = x.transpose(0, 1)  # three sequences of one position
        >>> expected = attention(alone, alone, alone)[0].transpose(0, 1)
        >>> torch.allclose(attention_value_path(attention, x), expected, atol=1e-6)
        True
    """
    if isinstance(attention, nn.MultiheadAttention):
        bias = _last(attention.in_proj_bias, 3)
        return attention.out_proj(F.linear(x, attention.in_proj_weight.chunk(3)[2], bias))
    if getattr(attention, "v_proj", None) is not None:
        value = attention.v_proj(x)
    else:
        bias = attention.v_bias if hasattr(attention, "v_bias") else _last(attention.qkv.bias, 3)
        value = F.linear(x, attention.qkv.weight.chunk(3)[2], bias)
    return attention.proj(attention.norm(value))


def pool_value_path(
    pool: Any,  # noqa: ANN401 - timm ships no stubs
    x: Float[Tensor, "batch positions channels"],
) -> Float[Tensor, "batch positions channels"]:
    r"""Give what an attention pool (SigLIP's) gives for an image of each position alone.

    $$ f_p = y_p + \mathrm{mlp}(\mathrm{ln}(y_p)), \qquad y_p = o(v(x_p)) $$

    The MLP with its residual follows the pooling, so it is part of the way into the joint space.

    Args:
        pool: A `timm.layers.AttentionPoolLatent`.
        x: Final tokens of the tower.
    """
    value = F.linear(x, pool.kv.weight.chunk(2)[1], _last(pool.kv.bias, 2))
    pooled = pool.proj(value)
    return pooled if pool.mlp is None else pooled + pool.mlp(pool.norm(pooled))


def _last(bias: Float[Tensor, " channels"] | None, parts: int) -> Tensor | None:
    return None if bias is None else bias.chunk(parts)[-1]
