"""Class names as tokens of prompts."""

from collections.abc import Sequence

import torch
from jaxtyping import Int
from torch import Tensor

from trmml.encoders.protocol import TextEncoder

__all__ = ["num_suffix_tokens", "prompt_tokens"]


def num_suffix_tokens(encoder: TextEncoder) -> int:
    """Count the special tokens after a text, from the tokens of an empty one."""
    return len(encoder.tokenize([""])[0]) - encoder.num_prefix_tokens


def prompt_tokens(
    encoder: TextEncoder, synonyms: Sequence[Sequence[str]], context_length: int
) -> tuple[Int[Tensor, "prompts tokens"], Int[Tensor, " prompts"]]:
    """Tokenise "<context> name." with placeholders where the learnt context will stand.

    Returns:
        The padded tokens, and how many of each prompt are no padding.
    """
    names = [name for group in synonyms for name in group]
    start = encoder.num_prefix_tokens
    # Any ordinary word can hold the place, as its embedding is never used; it must only not be a
    # special token, because towers find a prompt's end by those.
    placeholder = encoder.tokenize(["a"])[0][start]
    rows = [
        [*row[:start], *[placeholder] * context_length, *row[start:]]
        for row in encoder.tokenize([f"{name}." for name in names])
    ]
    for name, row in zip(names, rows, strict=True):
        if len(row) > encoder.context_length:
            room = encoder.context_length - (len(row) - context_length)
            way_out = f", or use a `context_length` of at most {room}" if room > 0 else ""
            raise ValueError(
                f"`class_names` must fit the text tower's {encoder.context_length} tokens, but "
                f"{name!r} needs {len(row)} with `context_length` = {context_length}; shorten the "
                f"name{way_out}."
            )
    tokens = encoder.pad(rows)
    return tokens, torch.tensor([len(row) for row in rows], device=tokens.device)
