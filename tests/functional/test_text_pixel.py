import pytest
import torch
from torch import Tensor

from tests._references import text_pixel as reference
from tests.functional.finiteness import DTYPES, HALF, assert_finite
from trmml.functional import dual_matching_logits, text_pixel_logits

BATCH, CLASSES, POSITIONS, DIM = 3, 4, 6, 5


def features(batch: int = BATCH) -> Tensor:
    return torch.randn(batch, POSITIONS, DIM, dtype=torch.float64)


def texts() -> Tensor:
    return torch.randn(CLASSES, DIM, dtype=torch.float64)


@pytest.mark.parametrize(("tau", "tau_s"), [(0.01, 0.05), (0.07, 1.0), (1.0, 0.2)])
def test_logits_match_the_loops(tau: float, tau_s: float) -> None:
    f, positive, negative = features(), texts(), texts()
    expected = reference.text_pixel_logits(
        f.tolist(), positive.tolist(), negative.tolist(), tau, tau_s
    )
    result = text_pixel_logits(f, positive, negative, temperature=tau, spatial_temperature=tau_s)
    for found, wanted in zip(result, expected, strict=True):
        torch.testing.assert_close(found, torch.tensor(wanted, dtype=torch.float64))


def test_a_single_position_is_dual_matching() -> None:
    f, positive, negative = features()[:, :1], texts(), texts()
    logits, energy = text_pixel_logits(
        f, positive, negative, temperature=0.1, spatial_temperature=0.05
    )
    expected = dual_matching_logits(f.expand(-1, CLASSES, -1), positive, negative, temperature=0.1)
    torch.testing.assert_close(logits, expected)
    torch.testing.assert_close(energy[..., 0], expected)


def test_a_small_spatial_temperature_keeps_the_best_position_and_a_large_one_weighs_all() -> None:
    f, positive, negative = features(), texts(), texts()
    best = (
        torch.nn.functional.normalize(positive, dim=-1)
        @ torch.nn.functional.normalize(f, dim=-1).mT
    )
    sharp, energy = text_pixel_logits(
        f, positive, negative, temperature=0.1, spatial_temperature=1e-6
    )
    flat, _ = text_pixel_logits(f, positive, negative, temperature=0.1, spatial_temperature=1e9)
    torch.testing.assert_close(sharp, energy.gather(2, best.argmax(dim=-1, keepdim=True))[..., 0])
    torch.testing.assert_close(flat, energy.mean(dim=-1))


def test_lengths_do_not_matter() -> None:
    f, positive, negative = features(), texts(), texts()
    once, again = (
        text_pixel_logits(*inputs, temperature=0.1, spatial_temperature=0.05)
        for inputs in ((f, positive, negative), (7 * f, 0.1 * positive, 9 * negative))
    )
    torch.testing.assert_close(once, again)


def test_images_classes_and_positions_may_be_reordered() -> None:
    f, positive, negative = features(), texts(), texts()
    images, classes = torch.randperm(BATCH), torch.randperm(CLASSES)
    places = torch.randperm(POSITIONS)
    logits, energy = text_pixel_logits(
        f, positive, negative, temperature=0.1, spatial_temperature=0.05
    )
    moved, moved_energy = text_pixel_logits(
        f[images][:, places],
        positive[classes],
        negative[classes],
        temperature=0.1,
        spatial_temperature=0.05,
    )
    torch.testing.assert_close(moved, logits[images][:, classes])
    torch.testing.assert_close(moved_energy, energy[images][:, classes][..., places])


def test_gradients_reach_features_texts_and_both_temperatures() -> None:
    temperatures = torch.tensor([0.3, 0.2], dtype=torch.float64).unbind()
    inputs = [x.clone().requires_grad_() for x in (features(), texts(), texts(), *temperatures)]

    def both(f: Tensor, p: Tensor, n: Tensor, tau: Tensor, tau_s: Tensor) -> tuple[Tensor, Tensor]:
        return text_pixel_logits(f, p, n, temperature=tau, spatial_temperature=tau_s)

    assert torch.autograd.gradcheck(both, inputs)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("temperature", [2e-4, 1e4])
@pytest.mark.parametrize("spatial_temperature", [1e-4, 1e4])
def test_extreme_scores_stay_finite(
    dtype: torch.dtype, temperature: float, spatial_temperature: float
) -> None:
    inputs = [1e4 * x for x in (features(), texts(), texts())]

    def both(*inputs: Tensor) -> Tensor:
        logits, energy = text_pixel_logits(
            *inputs, temperature=temperature, spatial_temperature=spatial_temperature
        )
        return torch.cat([logits[..., None], energy], dim=-1)

    assert_finite(both, *(tensor.to(dtype) for tensor in inputs))


def test_zero_vectors_score_zero_with_finite_gradients() -> None:
    f, positive, negative = features(), texts(), texts()
    f[0], positive[1], negative[1] = 0, 0, 0

    def logits(*inputs: Tensor) -> Tensor:
        return text_pixel_logits(*inputs, temperature=0.01, spatial_temperature=0.05)[0]

    assert logits(f, positive, negative)[0].eq(0).all()
    assert logits(f, positive, negative)[:, 1].eq(0).all()
    assert_finite(logits, f, positive, negative)


@pytest.mark.parametrize("dtype", HALF)
def test_half_precision_gives_float32(dtype: torch.dtype) -> None:
    inputs = [tensor.to(dtype) for tensor in (features(), texts(), texts())]
    result = text_pixel_logits(*inputs, temperature=0.01, spatial_temperature=0.05)
    expected = text_pixel_logits(
        *(tensor.float() for tensor in inputs), temperature=0.01, spatial_temperature=0.05
    )
    assert [tensor.dtype for tensor in result] == [torch.float32, torch.float32]
    torch.testing.assert_close(result, expected)


def test_an_empty_batch() -> None:
    logits, energy = text_pixel_logits(
        features(0), texts(), texts(), temperature=0.01, spatial_temperature=0.05
    )
    assert logits.shape == (0, CLASSES)
    assert energy.shape == (0, CLASSES, POSITIONS)


@pytest.mark.parametrize("value", [0.0, -1.0, float("inf"), float("nan")])
@pytest.mark.parametrize("argument", ["temperature", "spatial_temperature"])
def test_a_temperature_that_cannot_divide_is_refused(argument: str, value: float) -> None:
    given = {"temperature": 0.01, "spatial_temperature": 0.05, argument: value}
    message = f"`{argument}` must be finite and above 0, got {value}; scores are divided"
    with pytest.raises(ValueError, match=message):
        text_pixel_logits(features(), texts(), texts(), **given)
