"""One layer of BERT: attention of all tokens to all, then two linear maps, each with its norm."""

from typing import Any

from einops import rearrange
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention

FILE_NAMES = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "mixed": "attention.output.dense",
    "mixed_norm": "attention.output.LayerNorm",
    "wide": "intermediate.dense",
    "narrow": "output.dense",
    "narrow_norm": "output.LayerNorm",
}
"""What a file of BERT's weights calls the parts of a layer."""


class SentenceLayer(nn.Module):
    """A layer of BERT, the norm behind each of its halves.

    Args:
        sizes: The file's configuration.
    """

    def __init__(self, sizes: dict[str, Any]) -> None:
        """Make the parts, with weights still to come."""
        super().__init__()
        width, inner = sizes["hidden_size"], sizes["intermediate_size"]
        self.heads: int = sizes["num_attention_heads"]
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.mixed, self.wide = nn.Linear(width, width), nn.Linear(width, inner)
        self.narrow = nn.Linear(inner, width)
        self.mixed_norm = nn.LayerNorm(width, eps=sizes["layer_norm_eps"])
        self.narrow_norm = nn.LayerNorm(width, eps=sizes["layer_norm_eps"])

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        """Return the tokens [prompts tokens width]; where `real` is False nobody looks."""
        parts = (self.query(x), self.key(x), self.value(x))
        query, key, value = (rearrange(y, "n t (h d) -> n h t d", h=self.heads) for y in parts)
        seen = scaled_dot_product_attention(query, key, value, attn_mask=real)
        x = self.mixed_norm(x + self.mixed(rearrange(seen, "n h t d -> n t (h d)")))
        return self.narrow_norm(x + self.narrow(gelu(self.wide(x))))
