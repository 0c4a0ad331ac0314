import pytest
import torch
from torch import Tensor

from tests._references import local_matching as reference
from tests.functional.finiteness import DTYPES, HALF, assert_finite
from trmml.functional import local_matching_scores, matching_scores, text_pixel_logits

BATCH, CLASSES, POSITIONS, DIM = 3, 4, 6, 5
LENGTHS = [6, 1, 3]
TAUS = {"temperature": 0.25, "spatial_temperature": 0.02}


def captions() -> Tensor:
    """Return features of captions of different lengths."""
    there = torch.arange(POSITIONS) < torch.tensor(LENGTHS)[:, None]
    return there[..., None] * torch.randn(BATCH, POSITIONS, DIM, dtype=torch.float64)


def texts() -> Tensor:
    return torch.randn(CLASSES, DIM, dtype=torch.float64)


@pytest.mark.parametrize(("tau", "tau_s"), [(0.25, 0.02), (0.07, 1.0), (1.0, 0.2)])
def test_scores_match_the_loops(tau: float, tau_s: float) -> None:
    f, g = captions(), texts()
    expected = reference.local_matching_scores(f.tolist(), g.tolist(), tau, tau_s)
    found = local_matching_scores(f, g, temperature=tau, spatial_temperature=tau_s)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


def test_a_single_word_is_matching() -> None:
    f, g = captions()[:, :1], texts()
    expected = matching_scores(f.expand(-1, CLASSES, -1), g, temperature=0.25)
    torch.testing.assert_close(local_matching_scores(f, g, **TAUS), expected)


def test_without_padding_it_is_text_pixel_matching_without_a_negative_text() -> None:
    f, g = torch.randn(BATCH, POSITIONS, DIM, dtype=torch.float64), texts()
    expected, _ = text_pixel_logits(f, g, torch.zeros_like(g), **TAUS)
    torch.testing.assert_close(local_matching_scores(f, g, **TAUS), expected)


def test_more_padding_changes_nothing() -> None:
    f, g = captions(), texts()
    padded = torch.nn.functional.pad(f, (0, 0, 2, 7))
    torch.testing.assert_close(
        local_matching_scores(padded, g, **TAUS), local_matching_scores(f, g, **TAUS)
    )


def test_a_caption_without_a_word_scores_zero_with_finite_gradients() -> None:
    f, g = captions(), texts()
    f[0] = 0

    def scores(*inputs: Tensor) -> Tensor:
        return local_matching_scores(*inputs, **TAUS)

    assert scores(f, g)[0].eq(0).all()
    assert scores(f[:, :0], g).eq(0).all()
    assert_finite(scores, f, g)


def test_captions_and_classes_may_be_reordered() -> None:
    f, g = captions(), texts()
    rows, classes, places = (torch.randperm(n) for n in (BATCH, CLASSES, POSITIONS))
    moved = local_matching_scores(f[rows][:, places], g[classes], **TAUS)
    torch.testing.assert_close(moved, local_matching_scores(f, g, **TAUS)[rows][:, classes])


def test_gradients_reach_features_texts_and_both_temperatures() -> None:
    temperatures = torch.tensor([0.3, 0.2], dtype=torch.float64).unbind()
    f = torch.randn(BATCH, POSITIONS, DIM, dtype=torch.float64)
    inputs = [x.clone().requires_grad_() for x in (f, texts(), *temperatures)]

    def scores(f: Tensor, g: Tensor, tau: Tensor, tau_s: Tensor) -> Tensor:
        return local_matching_scores(f, g, temperature=tau, spatial_temperature=tau_s)

    assert torch.autograd.gradcheck(scores, inputs)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("temperature", [2e-4, 1e4])
@pytest.mark.parametrize("spatial_temperature", [1e-4, 1e4])
def test_extreme_scores_stay_finite(
    dtype: torch.dtype, temperature: float, spatial_temperature: float
) -> None:
    def scores(*inputs: Tensor) -> Tensor:
        return local_matching_scores(
            *inputs, temperature=temperature, spatial_temperature=spatial_temperature
        )

    assert_finite(scores, *(1e4 * tensor.to(dtype) for tensor in (captions(), texts())))


@pytest.mark.parametrize("dtype", HALF)
def test_half_precision_gives_float32(dtype: torch.dtype) -> None:
    inputs = [tensor.to(dtype) for tensor in (captions(), texts())]
    result = local_matching_scores(*inputs, **TAUS)
    assert result.dtype == torch.float32
    expected = local_matching_scores(*(tensor.float() for tensor in inputs), **TAUS)
    torch.testing.assert_close(result, expected)


def test_an_empty_batch() -> None:
    assert local_matching_scores(captions()[:0], texts(), **TAUS).shape == (0, CLASSES)


@pytest.mark.parametrize("value", [0.0, -1.0, float("inf"), float("nan")])
@pytest.mark.parametrize("argument", ["temperature", "spatial_temperature"])
def test_a_temperature_that_cannot_divide_is_refused(argument: str, value: float) -> None:
    message = f"`{argument}` must be finite and above 0, got {value}; scores are divided"
    with pytest.raises(ValueError, match=message):
        local_matching_scores(captions(), texts(), **{**TAUS, argument: value})
