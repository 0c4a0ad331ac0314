"""What every loss of the table promises; a new entry is held to it without a line here."""

import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest
import torch

from tests.functional.finiteness import DTYPES, EXTREMES, HALF
from tests.losses.every_loss import REDUCTIONS, REQUIRED, build, gradient, logits_and_labels
from trmml import losses
from trmml.losses import LOSSES

PAGE = Path(__file__).parents[2] / "docs" / "parts" / "losses.md"
pytestmark = pytest.mark.parametrize("name", LOSSES)


def test_it_is_built_from_keywords_that_have_defaults(name: str) -> None:
    parameters = inspect.signature(LOSSES[name]).parameters
    sizes = {"num_images": 0, "num_classes": 0}  # come first, and are the engine's to say
    others = {**sizes, **REQUIRED.get(name, {})}
    settled = {n: p for n, p in parameters.items() if n not in others}
    assert {parameter.kind.name for parameter in settled.values()} == {"KEYWORD_ONLY"}
    assert all(parameter.default is not parameter.empty for parameter in settled.values())
    assert parameters["reduction"].default == "batch_mean"


def test_it_is_called_with_logits_and_labels(name: str) -> None:
    first, second, *others = inspect.signature(build(name).forward).parameters.values()
    assert (first.name, second.name) == ("logits", "labels")
    assert all(other.default is not other.empty for other in others)


def test_it_equals_its_loops(name: str) -> None:
    stem = LOSSES[name].__module__.rpartition(".")[2]
    reference = import_module(f"tests._references.{stem}")
    logits, labels = logits_and_labels()
    expected = reference.loss_of_labels(logits.tolist(), labels.tolist())
    torch.testing.assert_close(build(name)(logits, labels).item(), expected)


@pytest.mark.parametrize("dtype", [torch.int8, torch.int64, torch.float32, torch.float16])
def test_labels_may_be_any_numbers(name: str, dtype: torch.dtype) -> None:
    logits, labels = logits_and_labels()
    expected = build(name)(logits, labels)
    torch.testing.assert_close(build(name)(logits, labels.to(dtype)), expected, rtol=0, atol=0)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_its_gradient_is_that_of_its_value(name: str, reduction: str) -> None:
    if name == "role":
        pytest.skip("in which scores are a target too, see `test_role_loss.py`")
    logits, labels = logits_and_labels()
    loss = build(name, reduction=reduction)
    assert torch.autograd.gradcheck(lambda x: loss(x, labels), logits.requires_grad_())


def test_a_known_label_pulls_the_logit_to_its_side(name: str) -> None:
    labels = torch.tensor([[1, -1]])
    slope = gradient(build(name), torch.zeros(1, 2), labels)
    assert slope[0, 0] < 0 < slope[0, 1]


@pytest.mark.parametrize("dtype", DTYPES)
def test_extreme_logits_stay_finite(name: str, dtype: torch.dtype) -> None:
    logits = torch.tensor([EXTREMES], dtype=dtype).repeat(1, 2)
    labels = torch.tensor([1, -1]).repeat_interleave(len(EXTREMES)).unsqueeze(0)
    assert build(name)(logits, labels).isfinite()
    slope = gradient(build(name), logits, labels)
    assert slope.isfinite().all()
    assert slope.ne(0).any()


@pytest.mark.parametrize("dtype", HALF)
def test_half_precision_gives_float32_and_a_gradient_in_its_own(
    name: str, dtype: torch.dtype
) -> None:
    logits, labels = logits_and_labels()
    half = logits.to(dtype)
    loss = build(name)(half, labels)
    assert loss.dtype == torch.float32
    assert gradient(build(name), half, labels).dtype == dtype
    torch.testing.assert_close(loss, build(name)(half.float(), labels))


@pytest.mark.parametrize("dtype", HALF)
def test_an_autocast_changes_nothing(name: str, dtype: torch.dtype) -> None:
    logits, labels = logits_and_labels()
    expected = build(name)(logits.float(), labels)
    with torch.autocast("cpu", dtype=dtype):
        found = build(name)(logits.float(), labels)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


@pytest.mark.parametrize("reduction", ["batch_mean", "mean", "sum"])
def test_an_empty_batch_costs_nothing(name: str, reduction: str) -> None:
    logits, labels = torch.randn(0, 4), torch.zeros(0, 4)
    loss = build(name, reduction=reduction)
    assert loss(logits, labels) == 0
    assert gradient(loss, logits, labels).shape == (0, 4)


def test_reductions_are_the_sum_over_what_they_name(name: str) -> None:
    logits, labels = logits_and_labels()
    found = {kind: build(name, reduction=kind)(logits, labels) for kind in REDUCTIONS}
    assert found["none"].shape == labels.shape
    total = found["none"].sum()
    torch.testing.assert_close(found["sum"], total)
    counted = {
        "known labels": 8,
        "all labels": 15,
        "labels with a term": int(found["none"].ne(0).sum()),
        "pairs": 3 * 1 + 2 * 2,
    }
    torch.testing.assert_close(found["mean"], total / counted[LOSSES[name].mean_over])
    torch.testing.assert_close(found["batch_mean"], total / len(labels))
    torch.testing.assert_close(build(name)(logits, labels), found["batch_mean"])


def test_images_and_classes_may_be_reordered(name: str) -> None:
    logits, labels = logits_and_labels()
    images, classes = torch.randperm(3), torch.randperm(5)
    for reduction in ("none", "batch_mean"):
        loss, other = build(name, reduction=reduction), build(name, reduction=reduction)
        found, state = loss(logits, labels), loss.state_dict()
        for key, value in state.items():  # what is remembered of the images moves with them
            state[key] = value[images][:, classes] if value.shape == labels.shape else value
        other.load_state_dict(state)
        moved = other(logits[images][:, classes], labels[images][:, classes])
        expected = found[images][:, classes] if reduction == "none" else found
        torch.testing.assert_close(moved, expected)


@pytest.mark.usefixtures("no_shape_checks")
@pytest.mark.parametrize("reduction", ["batch_mean", "none"])  # the others are as little a break
def test_it_compiles_to_one_graph(name: str, reduction: str) -> None:
    logits, labels = logits_and_labels()
    loss = build(name, reduction=reduction)
    compiled = torch.compile(loss, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(logits, labels), loss(logits, labels))
    torch.testing.assert_close(gradient(compiled, logits, labels), gradient(loss, logits, labels))


def test_it_leaves_the_mode_and_the_inputs_alone(name: str) -> None:
    logits, labels = logits_and_labels()
    before = logits.clone(), labels.clone()
    with torch.no_grad():
        assert not build(name)(logits.requires_grad_(), labels).requires_grad
        assert not torch.is_grad_enabled()
    build(name)(logits, labels)
    assert torch.is_grad_enabled()
    torch.testing.assert_close((logits.detach(), labels), before)


def test_state_survives_a_round_trip(name: str) -> None:
    logits, labels = logits_and_labels()
    loss, other = build(name), build(name)
    other.load_state_dict(loss.state_dict())
    assert torch.equal(other(logits, labels), loss(logits, labels))


def test_it_shows_what_builds_it_again(name: str) -> None:
    loss = build(name, reduction="mean")
    again = eval(repr(loss), {LOSSES[name].__name__: LOSSES[name]})
    again.begin_training(torch.zeros(3, 5))
    again.load_state_dict(loss.state_dict())
    logits, labels = logits_and_labels()
    assert repr(again) == repr(loss)
    assert "reduction='mean'" in repr(loss)
    found = again.of_images(logits, labels, torch.arange(3))
    assert torch.equal(found, loss(logits, labels))


@pytest.mark.usefixtures("no_shape_checks")
@pytest.mark.parametrize("shape", [(3, 1), (1, 5), (5,), (3, 4), (1, 3, 5)])
def test_labels_of_another_shape_are_refused(name: str, shape: tuple[int, ...]) -> None:
    logits, _ = logits_and_labels()
    with pytest.raises(ValueError, match=f"`labels` must .*{re.escape(str(shape))}"):
        build(name)(logits, torch.ones(shape))


@pytest.mark.parametrize("stray", [2, -2, 0.5, torch.nan])
def test_another_label_is_refused_on_the_cpu(name: str, stray: float) -> None:
    logits, labels = logits_and_labels()
    strays = torch.where(labels == 0, stray, labels.double())
    with pytest.raises(ValueError, match=f"`labels` must contain only -1 .*also .{float(stray)}"):
        build(name)(logits, strays)


@pytest.mark.usefixtures("no_shape_checks")
def test_another_label_counts_as_unknown_where_nobody_looks(name: str) -> None:
    logits, labels = logits_and_labels()
    loss = torch.compile(build(name, reduction="none"), fullgraph=True, backend="eager")
    found = loss(logits, torch.where(labels == 0, 2, labels))
    torch.testing.assert_close(found, build(name, reduction="none")(logits, labels))


@pytest.mark.usefixtures("no_shape_checks")
def test_another_reduction_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"`reduction` must be one of .*, got 'average'"):
        build(name, reduction="average")


def test_it_says_where_it_comes_from(name: str) -> None:
    text = inspect.getdoc(LOSSES[name]) or ""
    assert re.search(r"^Source: .*", text, re.MULTILINE)
    assert re.search(r"\]\(https://(doi\.org|arxiv\.org)/", text)
    assert "Differs from the paper" in text


def test_it_is_public_and_on_the_page_of_losses(name: str) -> None:
    public = LOSSES[name].__name__
    assert getattr(losses, public) is LOSSES[name]
    assert public in losses.__all__
    row = rf'^\| `"{re.escape(name)}"` \| \[?`{public}`'
    assert re.search(row, PAGE.read_text(), re.MULTILINE)
