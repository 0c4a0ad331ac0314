"""Prompts as sentences of embeddings, through open_clip's own text encoding, at full length."""

import torch
from open_clip import SimpleTokenizer
from open_clip.model import CLIP
from torch import Tensor, nn


class Sentence(nn.Module):
    def __init__(self, words: list[Tensor]) -> None:
        super().__init__()
        self.words = words

    def forward(self, tokens: Tensor) -> Tensor:
        assert tokens.shape == (1, len(self.words))
        return torch.stack(self.words)[None]


def prompt_feature(clip: CLIP, tokenizer: SimpleTokenizer, w: Tensor, name: str) -> Tensor:
    table = clip.token_embedding
    assert isinstance(table, nn.Embedding)
    name_tokens = tokenizer.encode(name) + tokenizer.encode(".")
    t = [table.weight[tokenizer.sot_token_id]]
    t += [w[i] for i in range(len(w))]
    t += [table.weight[token] for token in name_tokens]
    t += [table.weight[tokenizer.eot_token_id]]
    t += [table.weight[0]] * (clip.context_length - len(t))
    # The embeddings above take the place of the lookup; tokens only tell where the prompt ends.
    tokens = torch.zeros(1, clip.context_length, dtype=torch.long)
    tokens[0, 1 + len(w) + len(name_tokens)] = tokenizer.eot_token_id
    clip.token_embedding = Sentence(t)
    g = clip.encode_text(tokens)[0]
    clip.token_embedding = table
    return g / g.norm()
