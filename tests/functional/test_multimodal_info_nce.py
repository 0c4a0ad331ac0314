from collections.abc import Callable
from importlib import import_module
from itertools import combinations
from math import comb, exp, log

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from tests._references import multimodal_info_nce as reference
from tests.functional.finiteness import DTYPES, HALF, assert_finite
from trmml.functional import multimodal_info_nce

BATCH, CLASSES, CAPACITY, DIM = 4, 3, 2, 5
HOME = import_module("trmml.functional.multimodal_info_nce")  # the file, not the function

label = st.sampled_from([-1, 0, 1])
rows = st.lists(label, min_size=CLASSES, max_size=CLASSES)
fillings = st.lists(st.integers(0, CAPACITY), min_size=CLASSES, max_size=CLASSES)


def random(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64)


def inputs(batch: int = BATCH) -> tuple[Tensor, Tensor, Tensor]:
    return random(CLASSES, DIM), random(batch, CLASSES, DIM), random(CLASSES, CAPACITY, DIM)


@settings(derandomize=True, max_examples=60, deadline=None, database=None)
@given(labels=st.lists(rows, max_size=4), counts=fillings)
def test_the_loss_matches_eq_13(labels: list[list[int]], counts: list[int]) -> None:
    g, f, v = inputs(len(labels))
    expected = reference.multimodal_info_nce(
        g.tolist(), f.tolist(), labels, v.tolist(), counts, 0.2
    )
    y = torch.tensor(labels, dtype=torch.long).reshape(-1, CLASSES)
    result = multimodal_info_nce(f, g, y, v, torch.tensor(counts), temperature=0.2)
    torch.testing.assert_close(result, torch.tensor(expected, dtype=torch.float64))


def test_without_a_bank_only_the_batch_counts() -> None:
    g, f, v = inputs()
    labels = torch.randint(-1, 2, (BATCH, CLASSES))
    labels[0] = 1
    empty = torch.zeros(CLASSES, dtype=torch.long)
    torch.testing.assert_close(
        multimodal_info_nce(f, g, labels), multimodal_info_nce(f, g, labels, v, empty)
    )


def test_one_positive_each_is_the_usual_info_nce() -> None:
    g, f, _ = inputs()
    scores = torch.nn.functional.cosine_similarity(g[:, None], f[0][None], dim=-1) / 0.1
    expected = torch.nn.functional.cross_entropy(scores, torch.arange(CLASSES))
    labels = torch.zeros(BATCH, CLASSES)
    labels[0] = 1
    torch.testing.assert_close(multimodal_info_nce(f, g, labels, temperature=0.1), expected)


def test_other_positives_are_not_in_the_denominator() -> None:
    g = torch.eye(2, dtype=torch.float64)
    f, labels = g.expand(3, 2, 2), torch.tensor([[1, 0], [1, 0], [1, 1]])
    first = log(1 + exp(-1))
    second = log(1 + 3 * exp(-1))
    result = multimodal_info_nce(f, g, labels, temperature=1.0)
    torch.testing.assert_close(result.item(), (first + second) / 2)


def test_images_classes_and_slots_may_be_reordered() -> None:
    g, f, v = inputs()
    labels, counts = torch.randint(-1, 2, (BATCH, CLASSES)), torch.tensor([2, 0, 2])
    images, classes = torch.randperm(BATCH), torch.randperm(CLASSES)
    result = multimodal_info_nce(
        f[images][:, classes],
        g[classes],
        labels[images][:, classes],
        v[classes].flip(1),
        counts[classes],
    )
    torch.testing.assert_close(result, multimodal_info_nce(f, g, labels, v, counts))


def test_lengths_do_not_matter() -> None:
    g, f, v = inputs()
    labels, counts = torch.ones(BATCH, CLASSES), torch.tensor([2, 1, 0])
    once = multimodal_info_nce(f, g, labels, v, counts)
    torch.testing.assert_close(multimodal_info_nce(1e3 * f, 3 * g, labels, v / 9, counts), once)


def test_labels_that_are_not_positive_leave_no_trace() -> None:
    g, f, v = inputs()
    labels = torch.tensor([[1, 0, -1], [0, 1, 0], [-1, -1, 1], [0, 0, 0]])
    counts = torch.tensor([1, 0, 2])
    f[labels != 1] = torch.nan
    v[torch.arange(CAPACITY) >= counts[:, None]] = torch.nan
    f.requires_grad_()
    v.requires_grad_()
    loss = multimodal_info_nce(f, g, labels, v, counts)
    loss.backward()
    assert loss.isfinite()
    assert f.grad is not None
    assert v.grad is not None
    assert f.grad[labels != 1].eq(0).all()
    assert f.grad[labels == 1].abs().sum(dim=-1).gt(0).all()
    assert v.grad.isfinite().all()


def test_an_anchor_without_negatives_adds_nothing() -> None:
    g, f, _ = inputs()
    labels = torch.zeros(BATCH, CLASSES)
    labels[:2, 1] = 1
    with torch.autograd.set_detect_anomaly(True):
        loss = multimodal_info_nce(f.requires_grad_(), g.requires_grad_(), labels)
        gradients = torch.autograd.grad(loss, [g, f])
    assert loss == 0
    for gradient in gradients:
        assert gradient.eq(0).all()


@pytest.mark.parametrize("batch", [0, BATCH])
def test_without_positives_the_loss_is_zero_with_zero_gradient(batch: int) -> None:
    g, f, v = (tensor.requires_grad_() for tensor in inputs(batch))
    labels, empty = torch.zeros(batch, CLASSES), torch.zeros(CLASSES, dtype=torch.long)
    losses = [multimodal_info_nce(f, g, labels), multimodal_info_nce(f, g, labels, v, empty)]
    for loss in losses:
        assert loss == 0
        for gradient in torch.autograd.grad(loss, [g, f]):
            assert gradient.eq(0).all()


def test_gradients_reach_everything() -> None:
    g, f, v = inputs()
    labels = torch.tensor([[1, 0, -1], [0, 1, 0], [1, -1, 1], [0, 0, 0]])
    counts, temperature = torch.tensor([1, 0, 2]), torch.tensor(0.3, dtype=torch.float64)

    def loss(g: Tensor, f: Tensor, v: Tensor, temperature: Tensor) -> Tensor:
        return multimodal_info_nce(f, g, labels, v, counts, temperature=temperature)

    leaves = [tensor.requires_grad_() for tensor in (g, f, v, temperature)]
    assert torch.autograd.gradcheck(loss, leaves)


@pytest.mark.parametrize("scores_at_once", [1, 7, 14])
def test_blocks_change_neither_loss_nor_gradients(
    monkeypatch: pytest.MonkeyPatch, scores_at_once: int
) -> None:
    g, f, v = (tensor.requires_grad_() for tensor in inputs())
    labels = torch.tensor([[1, 0, -1], [0, 1, 0], [1, -1, 1], [0, 0, 0]])
    counts = torch.tensor([1, 0, 2])
    temperature = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)

    def loss(g: Tensor, f: Tensor, v: Tensor, temperature: Tensor) -> Tensor:
        return multimodal_info_nce(f, g, labels, v, counts, temperature=temperature)

    leaves = [g, f, v, temperature]
    whole = loss(*leaves)
    expected = torch.autograd.grad(whole, leaves)
    monkeypatch.setattr(HOME, "SCORES_AT_ONCE", scores_at_once)
    blocked = loss(*leaves)
    torch.testing.assert_close(blocked, whole)
    torch.testing.assert_close(torch.autograd.grad(blocked, leaves), expected)
    assert torch.autograd.gradcheck(loss, leaves)


def test_thousands_of_categories_never_meet_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HOME, "SCORES_AT_ONCE", 2**12)
    classes, largest = 200, 0
    g, f, v = torch.randn(classes, 8), torch.randn(2, classes, 8), torch.randn(classes, 3, 8)
    labels, counts = torch.zeros(2, classes), torch.full((classes,), 3)
    labels[:, ::2] = 1

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(
            self,
            func: Callable[..., object],
            types: object,
            args: tuple[object, ...] = (),
            kwargs: dict[str, object] | None = None,
        ) -> object:
            nonlocal largest
            result = func(*args, **(kwargs or {}))
            if isinstance(result, Tensor):
                largest = max(largest, result.numel())
            return result

    with Watch():
        multimodal_info_nce(f, g.requires_grad_(), labels, v, counts).backward()
    candidates = 200 + 600
    assert largest <= max(2**12, candidates * 8)


def drawn_slots(v: Tensor, drawn: Tensor) -> list[tuple[int, int]]:
    """Find where drawn prototypes lie in the bank."""
    found = (v == drawn[:, None, None]).all(dim=-1).nonzero().tolist()
    return [(c, j) for _, c, j in found]


@pytest.mark.parametrize("scores_at_once", [3, 2**24])
@settings(derandomize=True, max_examples=30, deadline=None, database=None)
@given(labels=st.lists(rows, max_size=4), counts=fillings, m=st.integers(1, 6))
def test_a_draw_matches_the_estimate_in_loops(
    scores_at_once: int, labels: list[list[int]], counts: list[int], m: int
) -> None:
    g, f, v = inputs(len(labels))
    ell = torch.tensor(counts)
    drawn = HOME.stored_prototypes(v, ell, m, generator=torch.Generator().manual_seed(m))
    slots = drawn_slots(v, drawn.features)
    assert len({*slots}) == min(m, sum(counts))
    assert all(j < counts[c] for c, j in slots)
    expected = (
        reference.drawn_multimodal_info_nce(
            g.tolist(), f.tolist(), labels, v.tolist(), counts, 0.2, slots
        )
        if slots
        else reference.multimodal_info_nce(g.tolist(), f.tolist(), labels, v.tolist(), counts, 0.2)
    )
    y = torch.tensor(labels, dtype=torch.long).reshape(-1, CLASSES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HOME, "SCORES_AT_ONCE", scores_at_once)
        result = multimodal_info_nce(
            *(f, g, y, v, ell),
            temperature=0.2,
            num_sampled=m,
            generator=torch.Generator().manual_seed(m),
        )
    torch.testing.assert_close(result, torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("num_sampled", [4, 5, 10_000])
def test_a_draw_of_everything_is_the_loss_itself(num_sampled: int) -> None:
    g, f, v = inputs()
    labels, counts = torch.randint(-1, 2, (BATCH, CLASSES)), torch.tensor([2, 0, 2])
    whole = multimodal_info_nce(f, g, labels, v, counts)
    assert torch.equal(multimodal_info_nce(f, g, labels, v, counts, num_sampled=num_sampled), whole)
    fewer = multimodal_info_nce(f, g, labels, v, counts, num_sampled=3)
    assert not torch.equal(fewer, whole)


def test_over_all_draws_the_sum_is_met_and_its_log_is_low() -> None:
    g, _, v = (x.tolist() for x in inputs())
    slots = [(c, j) for c in range(CLASSES) for j in range(CAPACITY)]
    M, m, tau = len(slots), 4, 0.3
    for a, p_a in enumerate(g):
        exact = reference.log_sum_over_negatives(a, p_a, v, tau, slots, 1.0)
        drawn = [
            reference.log_sum_over_negatives(a, p_a, v, tau, list(S), M / m)
            for S in combinations(slots, m)
        ]
        assert sum(map(exp, drawn)) / comb(M, m) == pytest.approx(exp(exact))
        assert sum(drawn) / comb(M, m) < exact


def test_every_prototype_is_drawn_as_often_as_the_others() -> None:
    v, counts = random(4, 3, 2), torch.tensor([3, 0, 1, 2])
    generator, draws = torch.Generator().manual_seed(0), 3000
    found = torch.zeros(4, 3)
    for _ in range(draws):
        for c, j in drawn_slots(v, HOME.stored_prototypes(v, counts, 2, generator=generator)[0]):
            found[c, j] += 1
    filled = torch.arange(3) < counts[:, None]
    share = 2 / 6
    spread = (share * (1 - share) / draws) ** 0.5
    assert found[~filled].eq(0).all()
    assert (found[filled] / draws - share).abs().max() < 5 * spread


def test_gradients_of_a_draw_reach_everything_that_was_drawn() -> None:
    g, f, v = (tensor.requires_grad_() for tensor in inputs())
    labels = torch.tensor([[1, 0, -1], [0, 1, 0], [1, -1, 1], [0, 0, 0]])
    counts = torch.tensor([2, 2, 2])
    temperature = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)

    def loss(g: Tensor, f: Tensor, v: Tensor, temperature: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(0)
        return multimodal_info_nce(
            *(f, g, labels, v, counts),
            temperature=temperature,
            num_sampled=3,
            generator=generator,
        )

    assert torch.autograd.gradcheck(loss, [g, f, v, temperature])
    (gradient,) = torch.autograd.grad(loss(g, f, v, temperature), [v])
    assert gradient.ne(0).any(dim=-1).sum() == 3


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("temperature", [1e-4, 1e4])
@pytest.mark.parametrize("length", [0.0, 1.0, 1e4])
def test_extreme_scores_of_a_draw_stay_finite(
    dtype: torch.dtype, temperature: float, length: float
) -> None:
    labels, counts = torch.tensor([[1, 0, 1], [1, 0, -1]]), torch.tensor([1, 0, 2])
    g, f, v = (length * tensor.to(dtype) for tensor in inputs(2))

    def loss(g: Tensor, f: Tensor, v: Tensor) -> Tensor:
        return multimodal_info_nce(
            *(f, g, labels, v, counts),
            temperature=temperature,
            num_sampled=2,
            generator=torch.Generator().manual_seed(0),
        )

    assert_finite(loss, g, f, v)


@pytest.mark.parametrize("num_sampled", [0, -1])
def test_a_draw_of_nothing_is_refused(num_sampled: int) -> None:
    g, f, _ = inputs()
    message = f"`num_sampled` must be at least 1, or None for all, got {num_sampled}"
    with pytest.raises(ValueError, match=message):
        multimodal_info_nce(f, g, torch.ones(BATCH, CLASSES), num_sampled=num_sampled)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("temperature", [1e-4, 1e4])
@pytest.mark.parametrize("length", [0.0, 1.0, 1e4])
def test_extreme_scores_stay_finite(dtype: torch.dtype, temperature: float, length: float) -> None:
    labels, counts = torch.tensor([[1, 0, 1], [1, 0, -1]]), torch.tensor([0, 0, 2])
    g, f, v = (length * tensor.to(dtype) for tensor in inputs(2))
    assert_finite(
        lambda g, f, v: multimodal_info_nce(f, g, labels, v, counts, temperature=temperature),
        g,
        f,
        v,
    )


def test_the_largest_floats_stay_finite() -> None:
    g, f, v = (torch.finfo(torch.float32).max * tensor.float().sign() for tensor in inputs())
    labels, counts = torch.ones(BATCH, CLASSES), torch.tensor([2, 1, 0])
    assert_finite(lambda g, f, v: multimodal_info_nce(f, g, labels, v, counts), g, f, v)


@pytest.mark.parametrize("dtype", HALF)
def test_half_precision_gives_float32(dtype: torch.dtype) -> None:
    g, f, _ = (tensor.to(dtype) for tensor in inputs())
    labels = torch.ones(BATCH, CLASSES)
    result = multimodal_info_nce(f, g, labels)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, multimodal_info_nce(f.float(), g.float(), labels))


def test_autocast_does_not_round_the_scores() -> None:
    g, f, _ = (tensor.float() for tensor in inputs())
    labels = torch.ones(BATCH, CLASSES)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = multimodal_info_nce(f, g, labels, temperature=0.01)
    torch.testing.assert_close(result, multimodal_info_nce(f, g, labels, temperature=0.01))


def test_half_of_a_bank_is_refused() -> None:
    g, f, v = inputs()
    labels, counts = torch.ones(BATCH, CLASSES), torch.tensor([2, 1, 0])
    message = "`prototypes` and `counts` must be given together, got only "
    with pytest.raises(ValueError, match=message + "`counts`; pass both from the same bank"):
        multimodal_info_nce(f, g, labels, None, counts)
    with pytest.raises(ValueError, match=message + "`prototypes`; pass both from the same bank"):
        multimodal_info_nce(f, g, labels, v)


@pytest.mark.parametrize("temperature", [0.0, -0.07, float("nan")])
def test_a_temperature_that_cannot_divide_is_refused(temperature: float) -> None:
    g, f, _ = inputs()
    message = f"`temperature` must be finite and above 0, got {temperature}; scores are divided"
    with pytest.raises(ValueError, match=message):
        multimodal_info_nce(f, g, torch.ones(BATCH, CLASSES), temperature=temperature)


@pytest.mark.parametrize("size", [1e-4, 1.0])
def test_half_precision_gradients_are_the_exact_ones_rounded_once(size: float) -> None:
    g, f, _ = ((size * tensor).half() for tensor in inputs())
    labels = torch.tensor([[1, 0, -1], [0, 1, 0], [1, -1, 1], [0, 0, 0]])

    def gradients(dtype: torch.dtype) -> tuple[Tensor, ...]:
        regions, texts = (x.to(dtype).detach().clone().requires_grad_() for x in (f, g))
        return torch.autograd.grad(multimodal_info_nce(regions, texts, labels), [regions, texts])

    for half, exact in zip(gradients(torch.float16), gradients(torch.float64), strict=True):
        assert half.dtype == torch.float16
        torch.testing.assert_close(half.double(), exact, rtol=2e-3, atol=1e-7)
