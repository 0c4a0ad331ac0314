"""The fit is the minimum of its equation, and its variances those of the whole Hessian."""

import pytest
import torch

from tests._references.evidence_regression import curvature, objective
from trmml.completion import evidence_logits, evidence_regression

CLASSES, FEATURES, TAU = 4, 3, 0.7


def cells(count: int = 60):
    x = torch.randn(count, FEATURES, dtype=torch.float64)
    return x, torch.randint(0, CLASSES - 1, (count,)), torch.rand(count) < 0.4  # one class has none


def prior():
    return torch.tensor([0.0, 1.0, -0.5]).double(), torch.tensor([1.0, 2.0, 0.5]).double()


def fit(x, c, y, tau=TAU):
    mean, deviation = prior()
    return evidence_regression(
        x,
        c,
        y,
        num_classes=CLASSES,
        prior_mean=mean,
        prior_deviation=deviation,
        offset_deviation=tau,
    )


@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_nothing_near_it_is_lower_by_the_loops(scale: float) -> None:
    x, c, y = cells()
    found = fit(x * scale, c, y)
    signs = [1 if one else -1 for one in y.tolist()]
    mean, deviation = (values.tolist() for values in prior())

    def at(w: torch.Tensor, o: torch.Tensor) -> float:
        return objective(
            (x * scale).tolist(), c.tolist(), signs, w.tolist(), o.tolist(), mean, deviation, TAU
        )

    lowest = at(found.weights, found.offsets)
    for place in range(FEATURES + CLASSES):
        step = torch.zeros(FEATURES + CLASSES, dtype=torch.float64)
        step[place] = 1e-4
        for sign in (-1, 1):
            w, o = (sign * step).split([FEATURES, CLASSES])
            assert at(found.weights + w, found.offsets + o) > lowest


def test_the_uncertainty_is_that_of_the_whole_hessian() -> None:
    x, c, y = cells()
    found = fit(x, c, y)
    _, deviation = prior()
    hessian = curvature(
        x.tolist(),
        c.tolist(),
        found.weights.tolist(),
        found.offsets.tolist(),
        deviation.tolist(),
        TAU,
    )
    inverse = torch.linalg.inv(torch.tensor(hessian, dtype=torch.float64))
    images = torch.randn(5, CLASSES, FEATURES, dtype=torch.float64)
    logits, uncertainty = evidence_logits(found, images)
    for image in range(5):
        for number in range(CLASSES):
            one = torch.cat([images[image, number], torch.eye(CLASSES).double()[number]])
            torch.testing.assert_close(uncertainty[image, number] ** 2, one @ inverse @ one)
            expected = images[image, number] @ found.weights + found.offsets[number]
            torch.testing.assert_close(logits[image, number], expected)


def test_without_a_deviation_all_classes_are_one() -> None:
    x, c, y = cells()
    pooled, one = fit(x, c, y, tau=0.0), fit(x, torch.zeros_like(c), y, tau=0.0)
    assert not pooled.offsets.any()
    torch.testing.assert_close(pooled.weights, one.weights)
    torch.testing.assert_close(pooled.weights, fit(x, c, y, tau=1e-4).weights, rtol=1e-4, atol=1e-4)


def test_a_class_without_labels_is_as_unsure_as_the_prior() -> None:
    found = fit(*cells())
    assert found.offsets[-1] == 0
    assert found.spread[-1] == pytest.approx(TAU**2)


def test_labels_that_evidence_tells_apart_without_error_have_a_finite_fit() -> None:
    x = torch.tensor([[-1.0, 0, 0], [1.0, 0, 0]], dtype=torch.float64).repeat(50, 1) * 1e3
    found = fit(x, torch.zeros(100, dtype=torch.long), x[:, 0] > 0)
    assert all(bool(value.isfinite().all()) for value in found)


@pytest.mark.parametrize("tau", [-1.0, float("nan"), float("inf")])
def test_an_impossible_deviation_is_refused(tau: float) -> None:
    with pytest.raises(ValueError, match="`offset_deviation` must be finite and at least 0"):
        fit(*cells(), tau=tau)
