"""A plain training step in the manner of DualCoOp: the yardstick of `training_step.py`.

What a competent person writes from the paper (Sun et al., NeurIPS 2022) and CoOp's text encoder,
with open_clip's modules as they come: frozen weights, prompts of the full 77 tokens, the positive
and the negative prompt of every class encoded with autograd in each step, dense image features
from the values of the last pooling, float32, the default memory layout. Nothing is made slow on
purpose, and nothing is made fast beyond leaving frozen weights out of autograd.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["PlainDualCoOp", "asymmetric_loss"]


class PlainDualCoOp(nn.Module):
    """Dual prompts over a frozen open_clip model with one of CLIP's own ResNets."""

    ends: Tensor
    prefix: Tensor
    suffix: Tensor

    def __init__(self, clip: Any, tokenizer: Any, class_names: list[str]) -> None:  # noqa: ANN401
        """Freeze the model, tokenise the prompts, draw the contexts (16 tokens, per class)."""
        super().__init__()
        self.clip: Any = clip.eval().requires_grad_(False)
        width, length = clip.token_embedding.embedding_dim, 16
        placeholder = " ".join(["X"] * length)
        tokens = tokenizer([f"{placeholder} {name}." for name in class_names] * 2)
        embedded = clip.token_embedding(tokens)
        self.register_buffer("ends", tokens.argmax(dim=-1))
        self.register_buffer("prefix", embedded[:, :1])
        self.register_buffer("suffix", embedded[:, 1 + length :])
        context = torch.empty(2 * len(class_names), length, width)
        self.context = nn.Parameter(nn.init.normal_(context, std=0.02))

    def encode_text(self) -> Tensor:
        """Encode the positive prompts, then the negative ones: (2 classes, dim)."""
        clip = self.clip
        x = torch.cat([self.prefix, self.context, self.suffix], dim=1)
        x = x + clip.positional_embedding
        x = clip.transformer(x, attn_mask=clip.attn_mask)
        x = clip.ln_final(x)
        return x[torch.arange(len(x)), self.ends] @ clip.text_projection

    def encode_image(self, images: Tensor) -> Tensor:
        """Encode every position on its own: (batch, positions, dim)."""
        visual = self.clip.visual
        x = visual.stem(images)
        x = visual.layer4(visual.layer3(visual.layer2(visual.layer1(x))))
        x = x.flatten(2).transpose(1, 2)
        return visual.attnpool.c_proj(visual.attnpool.v_proj(x))

    def forward(self, images: Tensor, text: Tensor | None = None) -> Tensor:
        """Aggregate positions per class, weighed by the positive prompt: (batch, classes)."""
        text = F.normalize(self.encode_text() if text is None else text, dim=-1)
        image = F.normalize(self.encode_image(images), dim=-1)
        match = 20 * image @ text.T
        positive, negative = match.chunk(2, dim=-1)
        weights = positive.softmax(dim=1)
        return 5 * (weights * (positive - negative)).sum(dim=1)


def asymmetric_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the asymmetric loss (gammas 1 and 2, margin 0.05) of labels in {-1, 0, +1}."""
    probability = logits.sigmoid()
    shifted = (1 - probability + 0.05).clamp(max=1)
    positive = (1 - probability) * probability.clamp(min=1e-8).log()
    negative = (1 - shifted) ** 2 * shifted.clamp(min=1e-8).log()
    return -(positive * (labels == 1) + negative * (labels == -1)).sum()
