import pytest
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from tests._references import matching as reference
from tests.functional.finiteness import DTYPES, HALF, assert_finite
from trmml.functional import dual_matching_logits, matching_scores

BATCH, CLASSES, DIM = 3, 4, 5


def features() -> Tensor:
    return torch.randn(BATCH, CLASSES, DIM, dtype=torch.float64)


def texts() -> Tensor:
    return torch.randn(CLASSES, DIM, dtype=torch.float64)


def test_scores_match_eq_1() -> None:
    f, g = features(), texts()
    expected = reference.matching_scores(f.tolist(), g.tolist(), 0.07)
    result = matching_scores(f, g, temperature=0.07)
    torch.testing.assert_close(result, torch.tensor(expected, dtype=torch.float64))


def test_dual_logits_match_eq_1_for_both_texts() -> None:
    f, positive, negative = features(), texts(), texts()
    expected = reference.dual_matching_logits(
        f.tolist(), positive.tolist(), negative.tolist(), 0.07
    )
    result = dual_matching_logits(f, positive, negative, temperature=0.07)
    torch.testing.assert_close(result, torch.tensor(expected, dtype=torch.float64))


def test_scores_reduce_to_cosine_similarity() -> None:
    f, g = features(), texts()
    expected = cosine_similarity(f, g[None], dim=-1)
    torch.testing.assert_close(matching_scores(f, g, temperature=1.0), expected)


def test_the_sigmoid_of_a_dual_logit_is_the_softmax_over_the_pair() -> None:
    f, positive, negative = features(), texts(), texts()
    scores = [matching_scores(f, g, temperature=0.1) for g in (positive, negative)]
    result = dual_matching_logits(f, positive, negative, temperature=0.1).sigmoid()
    torch.testing.assert_close(result, torch.stack(scores).softmax(dim=0)[0])


def test_lengths_do_not_matter() -> None:
    f, g = features(), texts()
    once, again = (matching_scores(x, y, temperature=0.5) for x, y in ((f, g), (7 * f, 0.1 * g)))
    torch.testing.assert_close(once, again)


def test_images_and_classes_may_be_reordered() -> None:
    f, g = features(), texts()
    images, classes = torch.randperm(BATCH), torch.randperm(CLASSES)
    result = matching_scores(f[images][:, classes], g[classes], temperature=0.5)
    torch.testing.assert_close(result, matching_scores(f, g, temperature=0.5)[images][:, classes])


def test_zero_vectors_score_zero_with_finite_gradients() -> None:
    f, g = features(), texts()
    f[0], g[1] = 0, 0
    result = matching_scores(f, g, temperature=0.01)
    assert result[0].eq(0).all()
    assert result[:, 1].eq(0).all()
    assert_finite(lambda x, y: matching_scores(x, y, temperature=0.01), f, g)


def test_gradients_reach_features_texts_and_temperature() -> None:
    inputs = [features(), texts(), texts(), torch.tensor(0.3, dtype=torch.float64)]
    for tensor in inputs:
        tensor.requires_grad_()

    def logits(f: Tensor, positive: Tensor, negative: Tensor, temperature: Tensor) -> Tensor:
        return dual_matching_logits(f, positive, negative, temperature=temperature)

    def scores(f: Tensor, g: Tensor, temperature: Tensor) -> Tensor:
        return matching_scores(f, g, temperature=temperature)

    assert torch.autograd.gradcheck(logits, inputs)
    assert torch.autograd.gradcheck(scores, [inputs[0], inputs[1], inputs[3]])


@pytest.mark.parametrize("dtype", DTYPES)
def test_huge_features_and_logits_stay_finite(dtype: torch.dtype) -> None:
    f, positive, negative = features() * 1e4, texts(), texts() * 1e4
    assert_finite(
        lambda *inputs: dual_matching_logits(*inputs, temperature=2e-4),
        *(tensor.to(dtype) for tensor in (f, positive, negative)),
    )


@pytest.mark.parametrize("dtype", HALF)
def test_half_precision_gives_float32(dtype: torch.dtype) -> None:
    f, g = features().to(dtype), texts().to(dtype)
    result = matching_scores(f, g, temperature=0.01)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, matching_scores(f.float(), g.float(), temperature=0.01))


def test_an_empty_batch() -> None:
    empty = torch.zeros(0, CLASSES, DIM)
    g = torch.randn(CLASSES, DIM)
    assert matching_scores(empty, g, temperature=1.0).shape == (0, CLASSES)
    assert dual_matching_logits(empty, g, g, temperature=1.0).shape == (0, CLASSES)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("inf"), float("nan")])
def test_a_temperature_that_cannot_divide_is_refused(temperature: float) -> None:
    f, g = features(), texts()
    message = f"`temperature` must be finite and above 0, got {temperature}; scores are divided"
    with pytest.raises(ValueError, match=message):
        matching_scores(f, g, temperature=temperature)
    with pytest.raises(ValueError, match=message):
        dual_matching_logits(f, g, g, temperature=temperature)
