"""An autocast around the equations changes none of them: forward and backward stay float32."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from trmml import functional
from trmml.functional.full_precision import full_precision

IMAGES, CLASSES, POSITIONS, DIM = 3, 4, 5, 16
DENSE, REGIONS = (IMAGES, POSITIONS, DIM), (IMAGES, CLASSES, DIM)
TEXTS = (CLASSES, DIM)
LABELS = torch.tensor([[1, -1, 0, 1], [0, 1, 1, -1], [-1, -1, 1, 1]])

EQUATIONS: dict[str, tuple[Callable[..., Tensor], tuple[tuple[int, ...], ...]]] = {
    "dot_energy": (functional.dot_energy, (TEXTS, DENSE)),
    "aligned_energy": (
        lambda q, k: functional.aligned_energy(q, k, scale=50.0, bias=-3.0),
        (TEXTS, DENSE),
    ),
    "region_features": (
        lambda f, k: functional.region_features(f, k - 12),
        (DENSE, (IMAGES, CLASSES, POSITIONS)),
    ),
    "attended_features": (functional.attended_features, (DENSE, (IMAGES, CLASSES, POSITIONS))),
    "text_pixel_logits": (
        lambda f, p, n: functional.text_pixel_logits(
            f, p, n, temperature=0.01, spatial_temperature=0.05
        )[0],
        (DENSE, TEXTS, TEXTS),
    ),
    "matching_scores": (
        lambda f, t: functional.matching_scores(f, t, temperature=0.01),
        (REGIONS, TEXTS),
    ),
    "dual_matching_logits": (
        lambda f, p, n: functional.dual_matching_logits(f, p, n, temperature=0.01),
        (REGIONS, TEXTS, TEXTS),
    ),
    "multimodal_info_nce": (
        lambda r, t: functional.multimodal_info_nce(r, t, LABELS, temperature=0.01),
        (REGIONS, TEXTS),
    ),
    "region_distillation": (
        lambda query: functional.region_distillation(LABELS.float(), query),
        ((IMAGES, CLASSES),),
    ),
    "asymmetric_loss": (
        lambda x: functional.asymmetric_loss(x, LABELS),
        ((IMAGES, CLASSES),),
    ),
}


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", EQUATIONS)
def test_it_is_the_same_under_an_autocast(name: str, dtype: torch.dtype):
    equation, shapes = EQUATIONS[name]
    inputs = [torch.randn(shape).requires_grad_() for shape in shapes]
    expected = equation(*inputs)
    with torch.autocast("cpu", dtype=dtype):
        found = equation(*inputs)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    for one, other in zip(
        torch.autograd.grad(found.square().sum(), inputs),
        torch.autograd.grad(expected.square().sum(), inputs),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_a_device_without_autocast_computes_as_well():
    x = torch.ones(2, 2, device="meta")
    with full_precision(x.device):
        assert (x @ x).dtype == torch.float32


def test_an_almost_empty_region_has_finite_gradients_in_float16():
    features = torch.randn(2, 9, 8)
    energy = torch.full((2, 3, 9), -18.0, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.float16):
        regions = functional.region_features(features, energy)
        scores = functional.matching_scores(regions, torch.randn(3, 8), temperature=0.01)
    scores.sum().backward()
    assert energy.grad is not None
    assert energy.grad.isfinite().all()
