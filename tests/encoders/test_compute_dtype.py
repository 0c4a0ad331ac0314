import pytest
import torch

from trmml.encoders import TimmImageEncoder, compute_dtype, compute_in, computed_in, load_tiny
from trmml.encoders.protocol import ImageFeatures


@pytest.mark.parametrize(
    ("found", "dtype", "said"),
    [
        ({"amx_bf16": True, "avx512_bf16": True}, torch.bfloat16, "(amx_bf16)"),
        ({"amx_bf16": False, "avx512_bf16": True}, torch.bfloat16, "(avx512_bf16)"),
        ({"avx2": True}, None, "float32; nothing here is known to be fast in bfloat16"),
        ({}, None, "float32"),
    ],
)
def test_auto_is_what_the_processor_is_fast_in(
    found: dict[str, bool],
    dtype: torch.dtype | None,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compute_dtype, "_processor", lambda: found)
    encoder = load_tiny().image
    assert said in compute_in(encoder, "auto")
    assert encoder.autocast_dtype == dtype  # pyright: ignore[reportAttributeAccessIssue]


def test_what_torch_knows_of_this_processor_is_asked() -> None:
    known = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    fast = any(known.get(name) for name in compute_dtype.INSTRUCTIONS)
    encoder = load_tiny().image
    assert compute_in(encoder, "auto").startswith("bfloat16" if fast else "float32")
    assert computed_in(encoder) == ("bfloat16" if fast else "float32")


def test_features_come_close_in_bfloat16_and_back_to_the_bit_in_float32() -> None:
    encoder, pixels = load_tiny().image, torch.randn(2, 3, 64, 64)
    full, _ = encoder.encode_dense(pixels)
    assert compute_in(encoder, "bfloat16") == "bfloat16, as asked for"
    half, _ = encoder.encode_dense(pixels)
    assert half.dtype == torch.float32
    assert not torch.equal(half, full)
    assert torch.cosine_similarity(half, full, dim=-1).min() > 0.99
    assert compute_in(encoder, "float32") == "float32, as asked for"
    assert torch.equal(encoder.encode_dense(pixels)[0], full)


def test_the_backbone_under_a_learnt_projection_is_meant_too() -> None:
    encoder = TimmImageEncoder("test_vit", dim=8)
    compute_in(encoder, "bfloat16")
    assert encoder.backbone.autocast_dtype == torch.bfloat16
    assert computed_in(encoder) == "bfloat16"


class OwnTower(torch.nn.Module):
    dim, mean, std = 4, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)

    def forward(self, images: torch.Tensor) -> ImageFeatures:
        raise NotImplementedError

    def encode_dense(self, images: torch.Tensor) -> tuple[torch.Tensor, tuple[int, int]]:
        raise NotImplementedError


def test_a_tower_of_ones_own_computes_as_it_was_made() -> None:
    encoder = OwnTower()
    assert "own" in compute_in(encoder, "auto")
    assert computed_in(encoder) == "its own"
    with pytest.raises(ValueError, match="`dtype` must be 'auto' or 'float32' for a tower of"):
        compute_in(encoder, "bfloat16")


@pytest.mark.usefixtures("no_shape_checks")
def test_another_precision_is_refused() -> None:
    with pytest.raises(ValueError, match="`dtype` must be one of 'auto', 'float32', 'bfloat16'"):
        compute_in(load_tiny().image, "half")  # pyright: ignore[reportArgumentType]
