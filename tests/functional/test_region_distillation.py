import pytest
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, kl_div

from tests._references import region_distillation as reference
from tests.functional.finiteness import DTYPES, EXTREMES, HALF, assert_finite
from trmml.functional import DistillationForm, region_distillation

BATCH, CLASSES = 4, 5
FORMS: list[DistillationForm] = ["bernoulli", "softmax"]
by_form = pytest.mark.parametrize("form", FORMS)


def two_logits() -> tuple[Tensor, Tensor]:
    region, query = 3 * torch.randn(2, BATCH, CLASSES, dtype=torch.float64)
    return region, query


@by_form
@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_the_divergence_matches_eq_6(form: DistillationForm, temperature: float) -> None:
    region, query = two_logits()
    expected = getattr(reference, form)(region.tolist(), query.tolist(), temperature)
    result = region_distillation(region, query, form=form, temperature=temperature)
    torch.testing.assert_close(result, torch.tensor(expected, dtype=torch.float64))


def test_the_bernoulli_form_is_cross_entropy_less_the_teachers_own() -> None:
    region, query = two_logits()
    cross, own = (
        binary_cross_entropy_with_logits(logits, region.sigmoid(), reduction="sum")
        for logits in (query, region)
    )
    torch.testing.assert_close(region_distillation(region, query), (cross - own) / BATCH)


def test_the_softmax_form_is_kl_div() -> None:
    region, query = two_logits()
    expected = kl_div(
        query.log_softmax(1), region.log_softmax(1), log_target=True, reduction="batchmean"
    )
    torch.testing.assert_close(region_distillation(region, query, form="softmax"), expected)


@by_form
def test_equal_predictions_cost_nothing(form: DistillationForm) -> None:
    region, _ = two_logits()
    assert region_distillation(region, region, form=form) == 0


@by_form
def test_unequal_predictions_cost_something(form: DistillationForm) -> None:
    assert region_distillation(*two_logits(), form=form) > 0


@by_form
def test_only_the_query_branch_learns(form: DistillationForm) -> None:
    region, query = (logits.requires_grad_() for logits in two_logits())
    region_distillation(region, query, form=form).backward()
    assert region.grad is None
    assert query.grad is not None
    assert query.grad.ne(0).all()


@by_form
def test_images_and_classes_may_be_reordered(form: DistillationForm) -> None:
    region, query = two_logits()
    images, classes = torch.randperm(BATCH), torch.randperm(CLASSES)
    reordered = [logits[images][:, classes] for logits in (region, query)]
    torch.testing.assert_close(
        region_distillation(*reordered, form=form), region_distillation(region, query, form=form)
    )


@by_form
def test_gradient(form: DistillationForm) -> None:
    region, query = two_logits()
    assert torch.autograd.gradcheck(
        lambda q: region_distillation(region, q, form=form, temperature=2.0),
        query.requires_grad_(),
    )


@by_form
@pytest.mark.parametrize("dtype", DTYPES)
def test_extreme_logits_stay_finite(form: DistillationForm, dtype: torch.dtype) -> None:
    grid = torch.cartesian_prod(torch.tensor(EXTREMES), torch.tensor(EXTREMES)).to(dtype)
    region, query = grid.T[:, None].unbind()
    assert_finite(lambda q: region_distillation(region, q, form=form), query)


@by_form
@pytest.mark.parametrize("dtype", HALF)
def test_half_precision_gives_float32(form: DistillationForm, dtype: torch.dtype) -> None:
    region, query = (logits.to(dtype) for logits in two_logits())
    result = region_distillation(region, query, form=form)
    assert result.dtype == torch.float32
    expected = region_distillation(region.float(), query.float(), form=form)
    torch.testing.assert_close(result, expected)


@by_form
def test_an_empty_batch_costs_nothing(form: DistillationForm) -> None:
    query = torch.zeros(0, CLASSES, requires_grad=True)
    loss = region_distillation(torch.zeros(0, CLASSES), query, form=form)
    loss.backward()
    assert loss == 0


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("inf")])
def test_a_temperature_that_cannot_divide_is_refused(temperature: float) -> None:
    message = f"`temperature` must be finite and above 0, got {temperature}; scores are divided"
    with pytest.raises(ValueError, match=message):
        region_distillation(*two_logits(), temperature=temperature)


@pytest.mark.usefixtures("no_shape_checks")
def test_an_unknown_form_is_refused() -> None:
    message = "`form` must be one of 'bernoulli', 'softmax', got 'gauss'; pick one of these."
    with pytest.raises(ValueError, match=message):
        region_distillation(*two_logits(), form="gauss")  # pyright: ignore[reportArgumentType]
