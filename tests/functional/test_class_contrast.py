import pytest
import torch

from tests._references import semantic_graph as reference
from tests.functional.finiteness import DTYPES
from trmml.functional import class_contrast


def test_it_matches_the_loops() -> None:
    features = torch.randn(6, 4, 5, dtype=torch.float64)
    labels = torch.randint(-1, 2, (6, 4))
    expected = reference.class_contrast(features.tolist(), labels.tolist())
    assert class_contrast(features, labels).item() == pytest.approx(expected)


def test_gradients() -> None:
    features = torch.randn(4, 3, 5, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(-1, 2, (4, 3))
    torch.autograd.gradcheck(lambda x: class_contrast(x, labels), [features])


@pytest.mark.parametrize("dtype", DTYPES)
def test_it_is_finite_for_lengths_of_any_size(dtype: torch.dtype) -> None:
    labels = torch.randint(-1, 2, (4, 3))
    for scale in (0.0, 1e-4, 1e4):
        features = (scale * torch.randn(4, 3, 5)).to(dtype)
        assert class_contrast(features, labels).isfinite()


@pytest.mark.parametrize("count", [0, 1, 4])
def test_without_pairs_it_costs_nothing(count: int) -> None:
    labels = torch.zeros(count, 3, dtype=torch.long)
    features = torch.randn(count, 3, 5, requires_grad=True)
    loss = class_contrast(features, labels)
    assert loss == 0
    loss.backward()
    assert features.grad is not None
    assert features.grad.isfinite().all()
