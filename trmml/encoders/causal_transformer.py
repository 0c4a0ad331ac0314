"""CLIP's causal text transformer, without the work that changes no end token."""

from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn

__all__ = ["end_states", "has_standard_blocks"]


def has_standard_blocks(transformer: Any) -> bool:  # noqa: ANN401 - open_clip ships no stubs
    """Tell whether every block is open_clip's usual one, which `end_states` takes apart."""
    from open_clip.transformer import ResidualAttentionBlock

    return all(
        type(block) is ResidualAttentionBlock and type(block.attn) is nn.MultiheadAttention
        for block in transformer.resblocks
    )


def end_states(
    transformer: Any,  # noqa: ANN401 - open_clip ships no stubs
    x: Float[Tensor, "prompts tokens width"],
    ends: Int[Tensor, " prompts"],
    *,
    mask: Float[Tensor, "tokens tokens"],
    shared: int = 0,
) -> Float[Tensor, "prompts width"]:
    """Run a causal transformer, and return each prompt's state at its end token.

    The same numbers as from the whole transformer, with less work: tokens that open all prompts
    alike (the start token, and contexts that all classes share) see nothing that differs, so one
    copy goes through the blocks; and the last block computes the end tokens alone.

    Args:
        transformer: An `open_clip.transformer.Transformer` of standard blocks.
        x: Token embeddings, positions added.
        ends: Place of each prompt's end token, behind the shared ones.
        mask: The tower's causal mask, 0 or -inf.
        shared: Tokens, from the first on, that are the same in all prompts.
    """
    common, x = x[:1, :shared], x[:, shared:]
    *body, last = transformer.resblocks
    for block in body:
        queries, keys, values = _heads(block, x, "qkv")
        if shared:
            own, *before = _heads(block, common, "qkv")
            keys, values = _behind(before[0], keys), _behind(before[1], values)
            common = _finish(block, common, own, *before, mask[:shared, :shared])
        x = _finish(block, x, queries, keys, values, mask[shared:])
    keys, values = _heads(last, x, "kv")
    if shared:
        before = _heads(last, common, "kv")
        keys, values = _behind(before[0], keys), _behind(before[1], values)
    prompts = torch.arange(len(x), device=x.device)
    x = x[prompts, ends - shared].unsqueeze(1)
    (queries,) = _heads(last, x, "q")
    return _finish(last, x, queries, keys, values, mask[ends][:, None, None]).squeeze(1)


def _heads(
    block: Any,  # noqa: ANN401 - open_clip ships no stubs
    x: Float[Tensor, "prompts tokens width"],
    parts: str,
) -> tuple[Float[Tensor, "prompts heads tokens channels"], ...]:
    """Return queries, keys and values of each head, or those of them named in `parts`."""
    attention, width = block.attn, x.shape[-1]
    first = "qkv".index(parts)
    rows = slice(first * width, (first + len(parts)) * width)
    projected = F.linear(
        block.ln_1(x), attention.in_proj_weight[rows], attention.in_proj_bias[rows]
    )
    split = "p t (parts heads c) -> parts p heads t c"
    return rearrange(projected, split, parts=len(parts), heads=attention.num_heads).unbind()


def _behind(
    common: Float[Tensor, "1 heads shared channels"],
    own: Float[Tensor, "prompts heads own channels"],
) -> Float[Tensor, "prompts heads tokens channels"]:
    return torch.cat([common.expand(len(own), -1, -1, -1), own], dim=2)


def _finish(
    block: Any,  # noqa: ANN401 - open_clip ships no stubs
    x: Float[Tensor, "prompts tokens width"],
    queries: Float[Tensor, "prompts heads tokens channels"],
    keys: Float[Tensor, "prompts heads seen channels"],
    values: Float[Tensor, "prompts heads seen channels"],
    mask: Float[Tensor, "... seen"],
) -> Float[Tensor, "prompts tokens width"]:
    """Attend, and do what follows in the block."""
    attended = F.scaled_dot_product_attention(
        queries, keys, values, attn_mask=mask.to(queries.dtype)
    )
    x = x + block.ls_1(block.attn.out_proj(rearrange(attended, "p heads t c -> p t (heads c)")))
    return x + block.ls_2(block.mlp(block.ln_2(x)))
