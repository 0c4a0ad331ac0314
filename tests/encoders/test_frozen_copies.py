# ruff: noqa: ANN401 - open_clip ships no stubs, and torch none of a dispatch mode
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from tests.encoders.small_models import (
    NORMAL,
    RESNET,
    SIGLIP_TEXT,
    TRANSFORMER,
    LetterTokenizer,
    clip,
    custom_text_clip,
    images,
    timm_visual,
)
from trmml.encoders.frozen_copies import FrozenCopies, cast_matrices
from trmml.encoders.modified_resnet import ModifiedResNetTower
from trmml.encoders.text_transformer import TextTransformerTower
from trmml.encoders.timm_tower import TimmTower
from trmml.encoders.vision_transformer import VisionTransformerTower

IMAGE_TOWERS = {
    "resnet": lambda: ModifiedResNetTower(clip(RESNET).visual, **NORMAL),
    "transformer": lambda: VisionTransformerTower(clip(TRANSFORMER).visual, **NORMAL),
    "convnext": lambda: TimmTower(
        timm_visual("test_convnext", 160, pool="", proj="linear"), **NORMAL
    ),
    "vit": lambda: TimmTower(timm_visual("test_vit", 160, pool="map", proj="none"), **NORMAL),
}
TEXT_TOWERS = {
    "causal": lambda: TextTransformerTower(clip(TRANSFORMER), LetterTokenizer()),
    "siglip": lambda: TextTransformerTower(
        custom_text_clip(TRANSFORMER, SIGLIP_TEXT).text, LetterTokenizer()
    ),
}


class CastCounter(TorchDispatchMode):
    """Counts matrices that are brought to another precision."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.places = {p.data_ptr() for p in module.parameters() if p.ndim > 1}
        self.found = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten._to_copy.default and args[0].data_ptr() in self.places:
            self.found += 1
        return func(*args, **(kwargs or {}))


@pytest.fixture(autouse=True)
def one_attention() -> Iterator[None]:
    """Torch's fused attention wants one precision throughout; only the casting one has it."""
    torch.backends.mha.set_fastpath_enabled(False)
    yield
    torch.backends.mha.set_fastpath_enabled(True)


def unready(tower: Any, module: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a tower compute with the weights as they are, cast in every call."""
    monkeypatch.setattr(tower, "_ready", lambda _: module)


@pytest.mark.parametrize("family", IMAGE_TOWERS)
def test_an_image_tower_casts_once_and_gives_the_same_bits(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tower, pixels = IMAGE_TOWERS[family]().float(), images(64, 64).float()
    matrices = sum(p.ndim > 1 for p in tower.visual.parameters())
    with torch.autocast("cpu", torch.bfloat16):
        first = tower(pixels)
        with CastCounter(tower.visual) as counter:
            again = tower(pixels)
        assert counter.found <= 2  # what is no layer's: CLIP's projection, and SigLIP's query
        plain = tower._copies() if family == "resnet" else tower.visual
        unready(tower, plain, monkeypatch)
        with CastCounter(plain) as counter:
            expected = tower(pixels)
        assert counter.found > min(matrices / 2, 2)
    for found in (first, again):
        assert torch.equal(found.dense, expected.dense)
        assert torch.equal(found.pooled, expected.pooled)


@pytest.mark.parametrize("family", TEXT_TOWERS)
def test_a_text_tower_casts_once_and_gives_the_same_bits_and_gradients(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tower = TEXT_TOWERS[family]().float()
    tokens = tower.pad(tower.tokenize(["boat", "tree"]))
    found = []
    for ready in (True, False):
        if not ready:
            unready(tower, tower.transformer, monkeypatch)
        embeddings = tower.embed_tokens(tokens).detach().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16), CastCounter(tower.transformer) as counter:
            tower(embeddings, tokens)
            counter.found = 0
            features = tower(embeddings, tokens)
            assert (counter.found == 0) == ready
        features.square().sum().backward()
        found.append((features, embeddings.grad))
    for ready, plain in zip(*found, strict=True):
        assert torch.equal(ready, plain)


def test_double_precision_and_norms_are_left_alone() -> None:
    module = nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2), nn.Linear(2, 2).double())
    cast: Any = cast_matrices(module, torch.bfloat16)
    assert cast[0].weight.dtype == cast[0].bias.dtype == torch.bfloat16
    assert cast[1].weight is module[1].weight
    assert cast[2].weight is module[2].weight
    assert module[0].weight.dtype == torch.float32


def test_copies_of_two_precisions_live_together_and_follow_the_weights() -> None:
    module = nn.Linear(2, 2).requires_grad_(False)
    copies = FrozenCopies(module)
    assert copies() is module
    half, other = copies(torch.bfloat16), copies(torch.float16)
    assert copies(torch.bfloat16) is half
    assert copies(torch.float16) is other
    with torch.no_grad():
        module.weight.add_(1)
    assert copies(torch.bfloat16) is not half
    changed: Tensor = copies(torch.bfloat16).weight  # pyright: ignore[reportAssignmentType]
    assert torch.equal(changed, module.weight.bfloat16())
