from typing import Any, TypedDict

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from tests._references import asymmetric_loss as reference
from tests.functional.finiteness import DTYPES, EXTREMES, HALF
from trmml.functional import asymmetric_loss


class Setting(TypedDict):
    gamma_pos: float
    gamma_neg: float
    margin: float


SETTINGS: list[Setting] = [
    {"gamma_pos": 0.0, "gamma_neg": 0.0, "margin": 0.0},
    {"gamma_pos": 0.0, "gamma_neg": 0.0, "margin": 0.05},
    {"gamma_pos": 1.0, "gamma_neg": 2.0, "margin": 0.05},
    {"gamma_pos": 0.5, "gamma_neg": 0.5, "margin": 0.0},
    {"gamma_pos": 0.5, "gamma_neg": 0.5, "margin": 0.6},
    {"gamma_pos": 4.0, "gamma_neg": 1.0, "margin": 1e-9},
]
by_setting = pytest.mark.parametrize(
    "setting", SETTINGS, ids=lambda setting: "-".join(map(str, setting.values()))
)


def logits_and_labels() -> tuple[Tensor, Tensor]:
    labels = torch.tensor([[1, -1, 0, 1, -1], [0, 0, 0, 0, 0], [-1, -1, 1, 0, 1]])
    return 3 * torch.randn(labels.shape, dtype=torch.float64), labels


def loss_of(logits: Tensor, label: int, **setting: Any) -> Tensor:  # noqa: ANN401
    """Return the loss of each of some logits that share a label."""
    labels = torch.full((1, len(logits)), label)
    return asymmetric_loss(logits[None], labels, reduction="none", **setting)[0]


@by_setting
@settings(derandomize=True, max_examples=30, deadline=None, database=None)
@given(pairs=st.lists(st.tuples(st.floats(-20, 20), st.sampled_from([-1, 0, 1])), max_size=6))
def test_each_label_matches_eq_14(setting: Setting, pairs: list[tuple[float, int]]) -> None:
    x = torch.tensor([pair[0] for pair in pairs], dtype=torch.float64)[None]
    y = torch.tensor([pair[1] for pair in pairs], dtype=torch.long)[None]
    chosen = setting["gamma_pos"], setting["gamma_neg"], setting["margin"]
    expected = reference.asymmetric_loss(x.tolist(), y.tolist(), *chosen)
    result = asymmetric_loss(x, y, reduction="none", **setting)
    torch.testing.assert_close(result, torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("dtype", [torch.int8, torch.int64, torch.float32, torch.float64])
def test_without_focus_and_margin_it_is_cross_entropy(dtype: torch.dtype) -> None:
    logits, labels = logits_and_labels()
    cross_entropy = binary_cross_entropy_with_logits(
        logits, (labels == 1).double(), weight=(labels != 0).double(), reduction="sum"
    )
    result = asymmetric_loss(
        logits, labels.to(dtype), gamma_pos=0, gamma_neg=0, margin=0, reduction="sum"
    )
    torch.testing.assert_close(result, cross_entropy)


def test_reductions_are_the_sum_over_what_they_name() -> None:
    logits, labels = logits_and_labels()
    each = asymmetric_loss(logits, labels, reduction="none")
    total = asymmetric_loss(logits, labels, reduction="sum")
    torch.testing.assert_close(total, each.sum())
    torch.testing.assert_close(asymmetric_loss(logits, labels, reduction="mean"), total / 8)
    torch.testing.assert_close(asymmetric_loss(logits, labels, reduction="batch_mean"), total / 3)
    torch.testing.assert_close(asymmetric_loss(logits, labels), total / 3)


def test_a_negative_below_the_margin_is_free() -> None:
    logits = torch.tensor([-50.0, -3.0, -2.95, -2.9], dtype=torch.float64, requires_grad=True)
    for gamma_neg in (0.0, 0.5, 2.0):
        loss = loss_of(logits, -1, gamma_neg=gamma_neg, margin=0.05)
        (gradient,) = torch.autograd.grad(loss.sum(), logits)
        assert loss[:3].eq(0).all()
        assert gradient[:3].eq(0).all()
        assert loss[3] > 0
        assert gradient[3] > 0


def test_no_step_of_the_backward_pass_divides_by_zero() -> None:
    # The sigmoid of 0 less a margin of 1/2 is exactly 0, where the square root has no slope.
    logits = torch.tensor([-1e4, -1.0, 0.0, 1e4], requires_grad=True)
    with torch.autograd.set_detect_anomaly(True):
        loss = loss_of(logits, -1, gamma_neg=0.5, margin=0.5)
        (gradient,) = torch.autograd.grad(loss.sum(), logits)
    assert gradient[:3].eq(0).all()


@by_setting
def test_the_loss_falls_as_the_prediction_nears_the_label(setting: Setting) -> None:
    logits = torch.linspace(-30, 30, 61, dtype=torch.float64)
    assert loss_of(logits, 1, **setting).diff().lt(0).all()
    assert loss_of(logits, -1, **setting).diff().ge(0).all()


@pytest.mark.parametrize("poison", [torch.nan, torch.inf, -torch.inf])
@by_setting
def test_unknown_labels_have_no_value_and_no_gradient(setting: Setting, poison: float) -> None:
    logits, labels = logits_and_labels()
    poisoned = torch.where(labels == 0, poison, logits).requires_grad_()
    loss = asymmetric_loss(poisoned, labels, **setting)
    torch.testing.assert_close(loss, asymmetric_loss(logits, labels, **setting))
    (gradient,) = torch.autograd.grad(loss, poisoned)
    assert gradient.isfinite().all()
    assert gradient[labels == 0].eq(0).all()


@pytest.mark.parametrize("reduction", ["batch_mean", "mean", "sum"])
@pytest.mark.parametrize("batch", [0, 3])
def test_without_a_known_label_the_loss_is_zero_with_zero_gradient(
    reduction: str, batch: int
) -> None:
    logits = torch.randn(batch, 4, requires_grad=True)
    loss = asymmetric_loss(logits, torch.zeros(batch, 4), reduction=reduction)  # pyright: ignore[reportArgumentType]
    (gradient,) = torch.autograd.grad(loss, logits)
    assert loss == 0
    assert gradient.eq(0).all()


def test_images_and_classes_may_be_reordered() -> None:
    logits, labels = logits_and_labels()
    images, classes = torch.randperm(3), torch.randperm(5)
    reordered = asymmetric_loss(logits[images][:, classes], labels[images][:, classes])
    torch.testing.assert_close(reordered, asymmetric_loss(logits, labels))


@by_setting
def test_gradient(setting: Setting) -> None:
    logits, labels = logits_and_labels()
    assert torch.autograd.gradcheck(
        lambda x: asymmetric_loss(x, labels, reduction="none", **setting), logits.requires_grad_()
    )


@by_setting
def test_a_detached_focus_scales_the_gradient_of_the_unfocused_loss(
    setting: Setting,
) -> None:
    logits, labels = logits_and_labels()
    logits.requires_grad_()
    plain: Setting = {"gamma_pos": 0.0, "gamma_neg": 0.0, "margin": setting["margin"]}
    focused, unfocused = (
        asymmetric_loss(logits, labels, reduction="none", detach_focal=True, **chosen)
        for chosen in (setting, plain)
    )
    gradient, plain_gradient = (
        torch.autograd.grad(loss.sum(), logits)[0] for loss in (focused, unfocused)
    )
    focus = torch.where(unfocused > 0, focused / unfocused, 0).detach()
    torch.testing.assert_close(gradient, focus * plain_gradient)
    kept = asymmetric_loss(logits, labels, reduction="none", **setting)
    torch.testing.assert_close(focused, kept)


@by_setting
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("label", [1, -1])
def test_extreme_logits_stay_finite(setting: Setting, dtype: torch.dtype, label: int) -> None:
    logits = torch.tensor(EXTREMES, dtype=dtype, requires_grad=True)
    loss = loss_of(logits, label, **setting)
    (gradient,) = torch.autograd.grad(loss.sum(), logits)
    assert loss.isfinite().all()
    assert loss.ge(0).all()
    assert gradient.isfinite().all()


def test_a_hopeless_prediction_costs_its_logit() -> None:
    logits = torch.tensor([1e4])
    assert loss_of(-logits, 1).item() == pytest.approx(1e4)
    assert loss_of(logits, -1, margin=0.0).item() == pytest.approx(1e4)


@pytest.mark.parametrize("margin", [0.0, 1e-6, 0.05, 0.6])
def test_float32_is_as_exact_as_its_inputs(margin: float) -> None:
    logits = torch.linspace(-30, 30, 241, dtype=torch.float64)
    for label in (1, -1):
        exact = loss_of(logits, label, gamma_neg=0.0, margin=margin)
        single = loss_of(logits.float(), label, gamma_neg=0.0, margin=margin)
        torch.testing.assert_close(single.double(), exact, rtol=1e-5, atol=1e-13)


@pytest.mark.parametrize("dtype", HALF)
def test_half_precision_gives_float32_and_a_gradient_in_its_own(dtype: torch.dtype) -> None:
    logits, labels = logits_and_labels()
    half = logits.to(dtype).requires_grad_()
    loss = asymmetric_loss(half, labels)
    (gradient,) = torch.autograd.grad(loss, half)
    assert loss.dtype == torch.float32
    assert gradient.dtype == dtype
    torch.testing.assert_close(loss, asymmetric_loss(half.float(), labels))


def test_it_works_without_grad_and_leaves_the_mode_and_the_inputs_alone() -> None:
    logits, labels = logits_and_labels()
    before = logits.clone(), labels.clone()
    with torch.no_grad():
        loss = asymmetric_loss(logits.requires_grad_(), labels, detach_focal=True)
        assert not torch.is_grad_enabled()
    assert not loss.requires_grad
    asymmetric_loss(logits, labels, detach_focal=True)
    assert torch.is_grad_enabled()
    torch.testing.assert_close((logits.detach(), labels), before)


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("argument", ["gamma_pos", "gamma_neg"])
def test_an_exponent_that_does_not_focus_is_refused(argument: str, value: float) -> None:
    message = f"`{argument}` must be finite and at least 0, got {value}; 0 turns the focusing off."
    with pytest.raises(ValueError, match=message):
        loss_of(torch.zeros(3), 1, **{argument: value})


@pytest.mark.parametrize("margin", [-0.05, 1.0, float("nan")])
def test_a_margin_that_is_no_probability_is_refused(margin: float) -> None:
    with pytest.raises(ValueError, match=rf"`margin` must be in \[0, 1\), got {margin}; it is"):
        asymmetric_loss(*logits_and_labels(), margin=margin)


@pytest.mark.usefixtures("no_shape_checks")
def test_an_unknown_reduction_is_refused() -> None:
    message = "`reduction` must be one of 'batch_mean', 'mean', 'sum', 'none', got 'average'"
    with pytest.raises(ValueError, match=message):
        asymmetric_loss(*logits_and_labels(), reduction="average")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("stray", [2, -3, 100])
@pytest.mark.parametrize("reduction", ["batch_mean", "mean", "sum", "none"])
def test_any_other_label_counts_as_unknown(stray: int, reduction: str) -> None:
    logits, labels = logits_and_labels()
    strays = torch.where(labels == 0, stray, labels)
    losses = [
        asymmetric_loss(logits, y, reduction=reduction)  # pyright: ignore[reportArgumentType]
        for y in (strays, labels)
    ]
    torch.testing.assert_close(*losses, rtol=0, atol=0)


def test_a_label_that_is_no_number_counts_as_unknown() -> None:
    logits, labels = logits_and_labels()
    strays = torch.where(labels == 0, torch.nan, labels.double())
    assert asymmetric_loss(logits, strays, reduction="mean") == asymmetric_loss(
        logits, labels, reduction="mean"
    )
