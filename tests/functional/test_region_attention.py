import pytest
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from tests._references import region_attention as reference
from tests.functional.finiteness import DTYPES, EXTREMES, HALF, assert_finite
from trmml.functional import (
    Normalization,
    attended_features,
    dot_energy,
    region_features,
    region_mask,
)

BATCH, CLASSES, POSITIONS, DIM = 2, 3, 6, 4
NORMALIZATIONS: list[Normalization] = ["sigmoid", "softmax"]


def random(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64)


def test_energies_match_the_scaled_dot_product() -> None:
    q, k = random(CLASSES, DIM), random(BATCH, POSITIONS, DIM)
    expected = reference.dot_energy(q.tolist(), k.tolist())
    torch.testing.assert_close(dot_energy(q, k), torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_masks_match_eq_2(normalization: Normalization) -> None:
    energy = random(BATCH, CLASSES, POSITIONS)
    expected = reference.region_mask(energy.tolist(), normalization)
    result = region_mask(energy, normalization=normalization)
    torch.testing.assert_close(result, torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_region_features_match_eq_4(normalization: Normalization) -> None:
    f, energy = random(BATCH, POSITIONS, DIM), random(BATCH, CLASSES, POSITIONS)
    mask = reference.region_mask(energy.tolist(), normalization)
    expected = reference.weighted_sum(f.tolist(), mask)
    result = region_features(f, energy, normalization=normalization)
    torch.testing.assert_close(result, torch.tensor(expected, dtype=torch.float64))


def test_attended_features_match_the_attention_of_eq_3() -> None:
    values, energy = random(BATCH, POSITIONS, DIM), random(BATCH, CLASSES, POSITIONS)
    mask = reference.region_mask(energy.tolist(), "softmax")
    expected = torch.tensor(reference.weighted_sum(values.tolist(), mask), dtype=torch.float64)
    torch.testing.assert_close(attended_features(values, energy), expected)


def test_energy_and_attention_together_are_dot_product_attention() -> None:
    q, k, v = random(CLASSES, DIM), random(BATCH, POSITIONS, DIM), random(BATCH, POSITIONS, DIM)
    expected = scaled_dot_product_attention(q.expand(BATCH, CLASSES, DIM), k, v)
    torch.testing.assert_close(attended_features(v, dot_energy(q, k)), expected)


def test_one_open_position_gives_its_own_feature() -> None:
    f = random(1, POSITIONS, DIM)
    energy = torch.full((1, 1, POSITIONS), -1e4, dtype=torch.float64)
    energy[..., 2] = 1e4
    torch.testing.assert_close(region_features(f, energy)[0, 0], f[0, 2])


def test_positions_may_be_reordered() -> None:
    f, energy = random(BATCH, POSITIONS, DIM), random(BATCH, CLASSES, POSITIONS)
    order = torch.randperm(POSITIONS)
    for gather in (region_features, attended_features):
        torch.testing.assert_close(gather(f[:, order], energy[..., order]), gather(f, energy))


def test_classes_do_not_see_each_other() -> None:
    f, energy = random(BATCH, POSITIONS, DIM), random(BATCH, CLASSES, POSITIONS)
    torch.testing.assert_close(region_features(f, energy[:, 1:]), region_features(f, energy)[:, 1:])


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_gradients(normalization: Normalization) -> None:
    f, q = random(BATCH, POSITIONS, DIM).requires_grad_(), random(CLASSES, DIM).requires_grad_()

    def both(f: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
        energy = dot_energy(q, f)
        region = region_features(f, energy, normalization=normalization)
        return region, attended_features(f, energy)

    assert torch.autograd.gradcheck(both, [f, q])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_extreme_energies_stay_finite(dtype: torch.dtype, normalization: Normalization) -> None:
    energy = torch.tensor(EXTREMES, dtype=dtype).expand(BATCH, CLASSES, len(EXTREMES)).clone()
    f = torch.randn(BATCH, len(EXTREMES), DIM).to(dtype)
    assert_finite(lambda f, e: region_features(f, e, normalization=normalization), f, energy)
    assert_finite(attended_features, f, energy)


@pytest.mark.parametrize("dtype", DTYPES)
def test_scaling_comes_before_the_sum(dtype: torch.dtype) -> None:
    # 64 products of 32 * 32 are 65,536, too many for float16; divided by 8 they fit.
    q, k = torch.full((2, 64), 32.0, dtype=dtype), torch.full((1, 3, 64), 32.0, dtype=dtype)
    assert_finite(dot_energy, q, k)


@pytest.mark.parametrize("dtype", DTYPES)
def test_encoder_and_head_may_differ_in_precision(dtype: torch.dtype) -> None:
    f, energy = torch.randn(BATCH, POSITIONS, DIM), torch.randn(BATCH, CLASSES, POSITIONS)
    result = region_features(f.to(dtype), energy)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, region_features(f, energy), atol=0.05, rtol=0.05)
    assert attended_features(f.to(dtype), energy).dtype == torch.float32


def test_an_empty_batch() -> None:
    f, q = torch.zeros(0, POSITIONS, DIM), torch.randn(CLASSES, DIM)
    energy = dot_energy(q, f)
    assert energy.shape == (0, CLASSES, POSITIONS)
    assert region_features(f, energy).shape == (0, CLASSES, DIM)
    assert attended_features(f, energy).shape == (0, CLASSES, DIM)


@pytest.mark.usefixtures("no_shape_checks")
def test_an_unknown_normalization_is_refused() -> None:
    message = "`normalization` must be one of 'sigmoid', 'softmax', got 'relu'; pick one of these."
    with pytest.raises(ValueError, match=message):
        region_mask(torch.zeros(1, 1, 1), normalization="relu")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("dtype", HALF)
def test_half_precision_energies_are_float32(dtype: torch.dtype) -> None:
    q, k = torch.randn(CLASSES, DIM).to(dtype), torch.randn(BATCH, POSITIONS, DIM).to(dtype)
    result = dot_energy(q, k)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, dot_energy(q.float(), k.float()), rtol=0, atol=0)


def test_energies_beyond_float16_stay_finite() -> None:
    q, k = torch.full((2, 64), 200.0).half(), torch.full((1, 3, 64), 200.0).half()
    assert_finite(dot_energy, q, k)
    assert dot_energy(q, k)[0, 0, 0].item() == 200 * 200 * 8
