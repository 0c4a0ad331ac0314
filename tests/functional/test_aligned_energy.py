import pytest
import torch
from torch import Tensor

from tests._references import region_attention as reference
from tests.functional.finiteness import DTYPES, assert_finite
from trmml.functional import aligned_calibration, aligned_energy

BATCH, CLASSES, POSITIONS, DIM = 2, 3, 6, 4


def queries_and_keys() -> tuple[Tensor, Tensor]:
    queries = torch.randn(CLASSES, DIM, dtype=torch.float64)
    return queries, torch.randn(BATCH, POSITIONS, DIM, dtype=torch.float64)


def test_energies_match_a_scaled_and_shifted_cosine() -> None:
    q, k = queries_and_keys()
    expected = reference.aligned_energy(q.tolist(), k.tolist(), 12.0, -3.0)
    result = aligned_energy(q, k, scale=12.0, bias=-3.0)
    torch.testing.assert_close(result, torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("num_deviations", [0.0, 2.0, 3.5])
def test_calibration_matches_its_formula(num_deviations: float) -> None:
    q, k = queries_and_keys()
    expected = reference.aligned_calibration(q.tolist(), k.tolist(), num_deviations)
    result = aligned_calibration(q, k, num_deviations=num_deviations)
    for value, wanted in zip(result, expected, strict=True):
        torch.testing.assert_close(value, torch.tensor(wanted, dtype=torch.float64))


def test_calibrated_energies_have_the_promised_spread_and_centre() -> None:
    q, k = queries_and_keys()
    scale, bias = aligned_calibration(q, k)
    energy = aligned_energy(q, k, scale=scale, bias=bias)
    torch.testing.assert_close(energy.std(correction=0).item(), 2.0)
    torch.testing.assert_close(energy.mean().item(), -4.0)


def test_calibration_survives_positions_that_are_all_alike() -> None:
    scale, bias = aligned_calibration(torch.ones(2, 3), torch.ones(1, 4, 3))
    assert scale.isfinite()
    assert bias.isfinite()


def test_gradients_reach_everything() -> None:
    q, k = queries_and_keys()
    scale, bias = torch.tensor([5.0, -1.0], dtype=torch.float64).unbind()
    inputs = [tensor.clone().requires_grad_() for tensor in (q, k, scale, bias)]

    def energy(q: Tensor, k: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
        return aligned_energy(q, k, scale=scale, bias=bias)

    assert torch.autograd.gradcheck(energy, inputs)


@pytest.mark.parametrize("dtype", DTYPES)
def test_huge_and_zero_vectors_stay_finite(dtype: torch.dtype) -> None:
    q, k = (1e4 * tensor.to(dtype) for tensor in queries_and_keys())
    k[0, 0] = 0
    assert_finite(lambda q, k: aligned_energy(q, k, scale=1e4, bias=-1e4), q, k)


def test_an_empty_batch() -> None:
    energy = aligned_energy(torch.randn(3, 4), torch.zeros(0, 6, 4), scale=1.0, bias=0.0)
    assert energy.shape == (0, 3, 6)


@pytest.mark.parametrize(("classes", "batch"), [(3, 0), (0, 2)])
def test_calibrating_on_nothing_is_refused(classes: int, batch: int) -> None:
    message = rf"`queries` and `keys` must hold at least one vector each, got shapes \({classes}, 4"
    with pytest.raises(ValueError, match=message):
        aligned_calibration(torch.zeros(classes, DIM), torch.zeros(batch, POSITIONS, DIM))
