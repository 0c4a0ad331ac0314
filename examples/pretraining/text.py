"""The few tokens that captions hold, and the text tower run on them."""

from typing import Any

import numpy as np
import torch
from open_clip.tokenizer import SimpleTokenizer
from torch import Tensor

from trmml.world import WORLD_CLASS_NAMES, write_caption
from trmml.world.palette import COLOURS

__all__ = ["Tokens", "all_tokens", "encode_text"]

NUM_CLASSES = len(WORLD_CLASS_NAMES)


class Tokens:
    """open_clip's tokens, renumbered to those that occur."""

    def __init__(self, token_ids: list[int]) -> None:
        """Number the tokens."""
        self.tokenizer: Any = SimpleTokenizer()
        self.ids = token_ids
        self.row = {token: row for row, token in enumerate(token_ids)}

    def __call__(self, texts: list[str]) -> Tensor:
        """Tokenise, padding to the longest."""
        ends = [self.tokenizer.sot_token_id], [self.tokenizer.eot_token_id]
        rows = [
            [self.row[t] for t in (*ends[0], *self.tokenizer.encode(x), *ends[1])] for x in texts
        ]
        longest = max(map(len, rows))
        return torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows])


def all_tokens() -> tuple[list[int], int]:
    """Return every token a caption can hold, and the length of the longest caption."""
    random, tokenizer = np.random.RandomState(0), SimpleTokenizer()
    found, longest = {tokenizer.sot_token_id, tokenizer.eot_token_id}, 0
    for index in range(60_000):
        things = [
            (
                list(COLOURS)[random.randint(len(COLOURS))],
                WORLD_CLASS_NAMES[(index + k) % NUM_CLASSES],
            )
            for k in range(1 + index % 3)
        ]
        tokens = tokenizer.encode(write_caption(things, random))
        found.update(tokens)
        longest = max(longest, len(tokens) + 2)
    return sorted(found), longest


def encode_text(
    model: Any,  # noqa: ANN401 - open_clip ships no stubs
    tokens: Tensor,
) -> Tensor:
    """Run the text tower, prompts of about the same length together, cut to the longest."""
    lengths = tokens.argmax(dim=-1) + 1  # the end token has the highest row
    order = lengths.argsort()
    features = []
    for part in order.split(64):
        length = int(lengths[part].max())
        x = model.token_embedding(tokens[part, :length]) + model.positional_embedding[:length]
        x = model.transformer(x, attn_mask=model.attn_mask[:length, :length])
        x = model.ln_final(x[torch.arange(len(x)), lengths[part] - 1])
        features.append(x @ model.text_projection)
    return torch.cat(features)[order.argsort()]
