"""MiniLM as a text tower: a small BERT that turns a sentence into one feature."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .sentence_layer import FILE_NAMES, SentenceLayer
from .word_pieces import WordPieces

TABLES = {
    "words": "word_embeddings",
    "positions": "position_embeddings",
    "kinds": "token_type_embeddings",
    "norm": "LayerNorm",
}


class SentenceTower(nn.Module):
    """A frozen sentence encoder that takes token embeddings, so that prompts can be learnt.

    Padding is masked everywhere, so that a batch may be cut to its longest prompt; the feature is
    the mean over the tokens that are no padding. Gradients flow to the embeddings, never into the
    weights.

    Args:
        state: The weights by the names that they have in the file.
        pieces: The tokenizer of the same model.
        sizes: The file's configuration: layers, heads, width.
        context_length: Most tokens a prompt may have, the two special ones included.

    Attributes:
        centre: What is taken off every feature; zero until it is set.
    """

    num_prefix_tokens = 1
    causal = True  # in the sense of the protocol: what is behind a prompt's end changes nothing
    centre: Tensor

    def __init__(
        self,
        state: dict[str, Tensor],
        pieces: WordPieces,
        *,
        sizes: dict[str, Any],
        context_length: int = 128,
    ) -> None:
        """Build the layers, fill them and freeze them."""
        super().__init__()
        self.dim = self.width = sizes["hidden_size"]
        self.context_length, self._pieces = context_length, pieces
        self.words = nn.Embedding(sizes["vocab_size"], self.width)
        self.positions = nn.Embedding(sizes["max_position_embeddings"], self.width)
        self.kinds = nn.Embedding(sizes["type_vocab_size"], self.width)
        self.norm = nn.LayerNorm(self.width, eps=sizes["layer_norm_eps"])
        layers = [SentenceLayer(sizes) for _ in range(sizes["num_hidden_layers"])]
        self.layers = nn.ModuleList(layers)
        self.load_state_dict({name: state[_file_name(name)] for name in self.state_dict()})
        # computed from the weights, so no part of what the fingerprint of a saved model guards
        self.register_buffer("centre", torch.zeros(self.dim), persistent=False)
        self.requires_grad_(False).eval()

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Return each text's tokens, special tokens included, without padding or truncation."""
        return [self._pieces(text) for text in texts]

    def pad(self, tokens: Sequence[Sequence[int]]) -> Tensor:
        """Pad tokenised prompts to the longest.

        Raises:
            ValueError: If a prompt is longer than `context_length`; nothing is ever cut off.
        """
        length = max(map(len, tokens), default=0)
        if length > self.context_length:
            raise ValueError(
                f"`tokens` must have at most {self.context_length} tokens a prompt, got {length}; "
                "shorten its text or its context."
            )
        rows = [[*prompt, *[self._pieces.pad] * (length - len(prompt))] for prompt in tokens]
        padded = torch.tensor(rows, dtype=torch.long, device=self.centre.device)
        return padded.reshape(len(tokens), length)

    def embed_tokens(self, tokens: Tensor) -> Tensor:
        """Look up the word embeddings, before positions are added."""
        return self.words(tokens)

    def forward(self, embeddings: Tensor, tokens: Tensor, shared: int = 0) -> Tensor:  # noqa: ARG002
        """Encode prompts; `shared` saves nothing where every token looks at all others."""
        real = tokens != self._pieces.pad
        places = torch.arange(embeddings.shape[1], device=embeddings.device)
        x = embeddings.to(self.words.weight.dtype)
        x = self.norm(x + self.positions(places) + self.kinds.weight[0])
        for layer in self.layers:
            x = layer(x, real[:, None, None])
        weight = real.to(x.dtype)[..., None]
        mean = (x * weight).sum(dim=1) / weight.sum(dim=1)
        return (mean - self.centre).to(embeddings.dtype)


def _file_name(name: str) -> str:
    """Return what the file calls a part of the tower."""
    kind, _, rest = name.partition(".")
    if kind == "layers":
        number, part, value = rest.split(".")
        return f"encoder.layer.{number}.{FILE_NAMES[part]}.{value}"
    return f"embeddings.{TABLES[kind]}.{rest}"
