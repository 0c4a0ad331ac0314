# ruff: noqa: ANN401 - open_clip and timm ship no stubs
"""Small open_clip models with random weights, built in milliseconds."""

from typing import Any

import torch
from open_clip.model import CLIP, CustomTextCLIP
from open_clip.timm_model import TimmModel
from torch import nn

NORMAL: dict[str, Any] = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
RESNET = {"layers": (1, 1, 1, 1), "width": 8, "head_width": 32, "image_size": 64}
TRANSFORMER = {"layers": 3, "width": 32, "head_width": 16, "patch_size": 8, "image_size": 32}
TEXT = {"context_length": 20, "vocab_size": 100, "width": 32, "heads": 2, "layers": 2}
SIGLIP_TEXT = {**TEXT, "no_causal_mask": True, "pool_type": "last", "proj_bias": True}


class LetterTokenizer:
    """One token per letter, between a start and an end token."""

    sot_token_id: int | None = 98
    eot_token_id = 99

    def encode(self, text: str) -> list[int]:
        return [ord(letter) - ord("a") + 1 for letter in text if letter.isalpha()]


class WordlessTokenizer(LetterTokenizer):
    """As SigLIP's: no start token, and the padding is the end token."""

    sot_token_id = None
    pad_token_id = 99


def scramble(model: nn.Module) -> nn.Module:
    """Give every weight and statistic a random value: many start at 0 or 1 and hide mistakes."""
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if name.endswith(("running_var", "norm.weight")) or (
                tensor.ndim == 1 and name.endswith("weight")
            ):
                tensor.uniform_(0.5, 1.5)
            elif tensor.is_floating_point():
                tensor.normal_(std=0.3 if tensor.ndim < 2 else tensor[0].numel() ** -0.5)
    return model.eval()


def clip(vision: dict[str, Any], text: dict[str, Any] = TEXT, *, dim: int = 24) -> Any:
    return scramble(CLIP(dim, dict(vision), dict(text))).double()  # pyright: ignore[reportArgumentType]


def custom_text_clip(vision: dict[str, Any], text: dict[str, Any] = TEXT, *, dim: int = 24) -> Any:
    return scramble(CustomTextCLIP(dim, dict(vision), dict(text))).double()  # pyright: ignore[reportArgumentType]


def timm_visual(name: str, image_size: int, *, dim: int = 24, **options: Any) -> Any:
    return scramble(TimmModel(name, dim, image_size=image_size, **options)).double()


def images(height: int, width: int, *, batch: int = 2) -> torch.Tensor:
    return torch.randn(batch, 3, height, width, dtype=torch.float64)
