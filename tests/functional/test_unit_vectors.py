import pytest
import torch

from tests.functional.finiteness import HALF, assert_finite
from trmml.functional import unit_vectors


def test_vectors_get_length_one_and_keep_their_direction() -> None:
    x = torch.randn(4, 3, 7, dtype=torch.float64)
    unit = unit_vectors(x)
    torch.testing.assert_close(unit.norm(dim=-1), torch.ones(4, 3, dtype=torch.float64))
    torch.testing.assert_close(unit * x.norm(dim=-1, keepdim=True), x)


@pytest.mark.parametrize("factor", [1e-10, 1e-3, 1e4, 1e30, 3e38])
def test_length_does_not_matter(factor: float) -> None:
    x = torch.tensor([[3.0, -4.0, 0.0]]) / 4
    torch.testing.assert_close(unit_vectors(x * factor), unit_vectors(x))


def test_zero_vectors_stay_zero_and_pass_a_moderate_gradient() -> None:
    x = torch.zeros(2, 3, requires_grad=True)
    unit = unit_vectors(x)
    unit.sum().backward()
    assert x.grad is not None
    assert unit.eq(0).all()
    assert x.grad.abs().max() <= 2


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("factor", [1e-4, 1.0, 6e4])
def test_half_precision_gives_float32_and_stays_finite(dtype: torch.dtype, factor: float) -> None:
    x = (torch.tensor([[0.6, -0.8], [0.0, 0.0], [1.0, 0.0]]) * factor).to(dtype)
    assert_finite(unit_vectors, x)
    unit = unit_vectors(x)
    assert unit.dtype == torch.float32
    torch.testing.assert_close(unit.norm(dim=-1), torch.tensor([1.0, 0.0, 1.0]))


def test_gradient() -> None:
    x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(unit_vectors, x)


def test_the_gradient_of_an_axis_aligned_vector_has_no_part_along_it() -> None:
    x = torch.tensor([[2.0, 0.0]], requires_grad=True)
    unit_vectors(x).backward(torch.ones(1, 2))
    assert x.grad is not None
    torch.testing.assert_close(x.grad, torch.tensor([[0.0, 0.5]]))


def test_no_vectors() -> None:
    assert unit_vectors(torch.zeros(0, 5)).shape == (0, 5)
