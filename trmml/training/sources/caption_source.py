"""Captions in the place of images: encoded by the frozen text tower as they are asked for."""

import logging
from collections.abc import Iterator, Sequence
from typing import Final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from trmml.data import CaptionTable
from trmml.encoders.protocol import TextEncoder, TokenEncoder
from trmml.labels import Labels
from trmml.models import Batch
from trmml.training.sources.stored_features import StoredFeatures

__all__ = ["CaptionSource", "encode_captions"]

_LOGGER = logging.getLogger(__name__)
CAPTIONS_AT_ONCE: Final = 256


class CaptionSource:
    """Features of captions with the labels of what they name, to train on as on images.

    The positions of a batch are those of `encode_captions`; as captions differ in length, so do
    batches. Nothing is kept but tokens: half a million captions have more features than memory
    holds, and the tower, which encodes every prompt at every step, encodes a batch of captions in
    about as much time.

    Args:
        encoder: Frozen text tower that gives a feature for every token.
        table: Captions and their labels.

    Raises:
        ValueError: If the tower cannot.
    """

    def __init__(self, encoder: TextEncoder, table: CaptionTable) -> None:
        """Tokenise the captions once."""
        self.encoder, self.table = _require_tokens(encoder), table
        self._tokens = _tokenized(self.encoder, table.captions)

    @property
    def labels(self) -> Labels:
        """Labels of all captions."""
        return self.table.labels

    def batches(self, parts: Sequence[Int[Tensor, " _"]], *, epoch: int) -> Iterator[Batch]:  # noqa: ARG002
        """Yield one batch for each set of captions; every epoch sees the same."""
        for rows in parts:
            dense, _ = _encoded(self.encoder, [self._tokens[row] for row in rows.tolist()])
            yield Batch(dense, self.labels[rows], (1, dense.shape[1]), rows=rows)

    def describe(self, rows: Int[Tensor, " rows"]) -> str:
        """Name captions by themselves, as far as a message has room."""
        shown = [repr(self.table.captions[row]) for row in rows.tolist()[:4]]
        return ", ".join(shown) + (f" and {len(rows) - 4} more" if len(rows) > 4 else "")


def encode_captions(encoder: TextEncoder, captions: Sequence[str]) -> StoredFeatures:
    """Encode captions to train on from memory, as `encode_images` encodes images.

    The first position of a caption is its own feature, the others are its tokens', special ones
    included, and zero behind its end.

    Args:
        encoder: Frozen text tower that gives a feature for every token.
        captions: Sentences; what does not fit the tower's window is cut off before the end token.

    Raises:
        ValueError: If the tower cannot, or there is no caption.

    Examples:
        >>> from trmml.encoders import load_tiny
        >>> found = encode_captions(load_tiny().text, ["a tree", "a boat on the sea"])
        >>> found.dense.shape, found.pooled.shape, found.grid
        (torch.Size([2, 8, 128]), torch.Size([2, 128]), (1, 8))
    """
    tower = _require_tokens(encoder)
    tokens = _tokenized(tower, captions)
    if not tokens:
        raise ValueError("`captions` must hold at least one sentence, got none.")
    parts = [
        _encoded(tower, tokens[start : start + CAPTIONS_AT_ONCE])
        for start in range(0, len(tokens), CAPTIONS_AT_ONCE)
    ]
    longest = max(dense.shape[1] for dense, _ in parts)
    dense = torch.cat(
        [torch.nn.functional.pad(dense, (0, 0, 0, longest - dense.shape[1])) for dense, _ in parts]
    )
    return StoredFeatures(dense, torch.cat([pooled for _, pooled in parts]), (1, longest))


def _require_tokens(encoder: TextEncoder) -> TokenEncoder:
    if not isinstance(encoder, TokenEncoder):
        raise ValueError(
            "`encoder` must give a feature for every token, which methods that learn from captions "
            f"(tai-dpt) need, got {type(encoder).__name__} without `encode_tokens`; choose a CLIP "
            "of open_clip, or give your tower that method, see `trmml.encoders.TokenEncoder`."
        )
    return encoder


def _tokenized(encoder: TokenEncoder, captions: Sequence[str]) -> list[list[int]]:
    """Return the tokens of each caption, with its end token in the window."""
    tokens, most = encoder.tokenize(captions), encoder.context_length
    ends = len(encoder.tokenize([""])[0]) - encoder.num_prefix_tokens
    long = [row for row, found in enumerate(tokens) if len(found) > most]
    for row in long:
        tokens[row] = tokens[row][: most - ends] + tokens[row][len(tokens[row]) - ends :]
    if long:
        _LOGGER.warning(
            "%d of %d captions are longer than %d tokens, and what they say last is cut off; such "
            "as %.80r",
            len(long),
            len(tokens),
            most,
            captions[long[0]],
        )
    return tokens


@torch.no_grad()
def _encoded(
    encoder: TokenEncoder, rows: Sequence[Sequence[int]]
) -> tuple[Float[Tensor, "batch positions dim"], Float[Tensor, "batch dim"]]:
    """Return features of the whole and of every token in a row, and those of the whole alone."""
    if not rows:  # of several processes, one may have none
        return torch.zeros(0, 2, encoder.dim), torch.zeros(0, encoder.dim)
    tokens = encoder.pad(rows)
    every, pooled = encoder.encode_tokens(encoder.embed_tokens(tokens), tokens)
    lengths = torch.tensor([len(row) for row in rows], dtype=torch.long, device=every.device)
    there = torch.arange(every.shape[1], device=every.device) < lengths.unsqueeze(1)
    every = torch.where(there.unsqueeze(-1), every, 0)
    return torch.cat([pooled.unsqueeze(1), every], dim=1), pooled
