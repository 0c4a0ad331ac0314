import math
import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests._references import average_precision as reference
from trmml.metrics import (
    average_precision,
    mean_average_precision,
    ranking,
    summarize_average_precision,
)

DEFINITIONS: list[ranking.Definition] = ["plain", "interpolated", "sklearn"]
TIES: list[ranking.Ties] = ["pessimistic", "stable", "optimistic"]


def random_case(samples=60, classes=6, levels=9, seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randint(0, levels, (samples, classes), generator=generator) / levels
    labels = torch.randint(-1, 2, (samples, classes), generator=generator)
    return scores.to(dtype), labels


def distinct_case(samples=60, classes=6, seed=0):
    generator = torch.Generator().manual_seed(seed)
    order = torch.stack([torch.randperm(samples, generator=generator) for _ in range(classes)], 1)
    labels = torch.randint(0, 2, (samples, classes), generator=generator) * 2 - 1
    return order / samples, labels


@pytest.mark.parametrize("definition", DEFINITIONS)
@pytest.mark.parametrize("unknown", ["exclude", "negative"])
@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("levels", [1, 3, 1000])
def test_equals_the_loops(definition, unknown, ties, levels):
    scores, labels = random_case(levels=levels)
    expected = reference.average_precision(
        scores.tolist(), labels.tolist(), definition, unknown, ties
    )
    found = average_precision(scores, labels, definition=definition, unknown=unknown, ties=ties)
    assert found.dtype == torch.float64
    assert found.tolist() == pytest.approx(expected, abs=1e-12)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from([-1, 0, 1])), min_size=1, max_size=9
    ),
    definition=st.sampled_from(DEFINITIONS),
    ties=st.sampled_from(TIES),
)
def test_equals_the_loops_for_every_small_pattern(rows, definition, ties):
    scores, labels = [[float(score)] for score, _ in rows], [[label] for _, label in rows]
    expected = reference.average_precision(scores, labels, definition, "negative", ties)
    found = average_precision(
        torch.tensor(scores),
        torch.tensor(labels),
        definition=definition,
        unknown="negative",
        ties=ties,
    )
    assert found.tolist() == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_by_hand():
    scores = torch.tensor([[0.9], [0.8], [0.7], [0.6], [0.5]])
    labels = torch.tensor([[1], [-1], [-1], [1], [1]])
    assert mean_average_precision(scores, labels) == pytest.approx((1 + 2 / 4 + 3 / 5) / 3)
    interpolated = mean_average_precision(scores, labels, definition="interpolated")
    assert interpolated == pytest.approx((1 + 3 / 5 + 3 / 5) / 3)


def test_ties_by_hand():
    scores, labels = torch.zeros(4, 1), torch.tensor([[1], [-1], [-1], [1]])
    assert mean_average_precision(scores, labels) == pytest.approx((1 / 3 + 2 / 4) / 2)
    assert mean_average_precision(scores, labels, ties="stable") == pytest.approx((1 + 2 / 4) / 2)
    assert mean_average_precision(scores, labels, ties="optimistic") == pytest.approx(1.0)
    assert mean_average_precision(scores, labels, definition="sklearn") == pytest.approx(0.5)


@pytest.mark.parametrize("levels", [2, 17, 100_000])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_equals_scikit_learn_with_ties(levels, dtype):
    from sklearn.metrics import average_precision_score

    scores, labels = random_case(samples=500, levels=levels, dtype=dtype)
    found = average_precision(scores, labels, definition="sklearn")
    for c in range(scores.shape[1]):
        known = labels[:, c] != 0
        expected = average_precision_score(
            (labels[known, c] > 0).numpy(), scores[known, c].double().numpy()
        )
        assert float(found[c]) == pytest.approx(expected, abs=1e-12)


def test_scikit_learn_zero_for_an_empty_class_is_the_option():
    from sklearn.metrics import average_precision_score

    scores, labels = random_case(samples=50)
    labels[:, 2] = -1
    found = mean_average_precision(
        scores, labels, definition="sklearn", unknown="negative", empty="zero"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = average_precision_score((labels > 0).numpy(), scores.numpy(), average="macro")
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("levels", [3, 50])
def test_equals_torchmetrics_with_ties_and_unknowns(levels):
    from torchmetrics.functional.classification import multilabel_average_precision

    scores, labels = random_case(samples=300, levels=levels)
    target = torch.where(labels == 0, -9, (labels > 0).long())
    expected = multilabel_average_precision(
        scores, target, scores.shape[1], average="none", ignore_index=-9, validate_args=True
    )
    found = average_precision(scores, labels, definition="sklearn")
    assert found.tolist() == pytest.approx(expected.tolist(), abs=1e-6)


def test_definitions_agree_without_ties_and_interpolation_never_lowers():
    scores, labels = distinct_case()
    plain = average_precision(scores, labels)
    assert torch.allclose(plain, average_precision(scores, labels, definition="sklearn"))
    for ties in TIES:
        assert torch.allclose(plain, average_precision(scores, labels, ties=ties))
    interpolated = average_precision(scores, labels, definition="interpolated")
    assert bool((interpolated >= plain - 1e-12).all())
    assert bool((interpolated > plain + 1e-6).any())


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_order_of_rows_and_classes_does_not_matter(definition):
    scores, labels = random_case(levels=4)
    rows, classes = torch.randperm(len(scores)), torch.randperm(scores.shape[1])
    before = average_precision(scores, labels, definition=definition)
    after = average_precision(scores[rows], labels[rows], definition=definition)
    assert after.tolist() == pytest.approx(before.tolist(), abs=1e-14)
    after = average_precision(scores[:, classes], labels[:, classes], definition=definition)
    assert after.tolist() == before[classes].tolist()


@pytest.mark.parametrize("ties", TIES)
def test_a_monotone_change_of_the_scores_changes_nothing(ties):
    scores, labels = random_case(levels=7)
    before = average_precision(scores, labels, ties=ties)
    assert torch.equal(before, average_precision(scores.double().exp() * 3, labels, ties=ties))


def test_unknown_entries_equal_absent_rows():
    scores, labels = random_case(samples=80, classes=3)
    found = average_precision(scores, labels)
    for c in range(3):
        known = labels[:, c] != 0
        alone = average_precision(scores[known, c : c + 1], labels[known, c : c + 1])
        assert float(found[c]) == float(alone[0])


def test_a_perfect_ranking_is_one_even_for_infinite_scores():
    labels = torch.tensor([[1], [1], [-1], [-1]])
    scores = torch.tensor([[math.inf], [math.inf], [0.0], [-math.inf]])
    for definition in DEFINITIONS:
        assert mean_average_precision(scores, labels, definition=definition) == 1.0


def test_a_class_without_positives_is_nan_skipped_and_counted():
    scores = torch.tensor([[0.9, 0.9, 0.9], [0.1, 0.1, 0.1]])
    labels = torch.tensor([[1, -1, 0], [-1, -1, 0]])
    result = summarize_average_precision(scores, labels)
    assert result.per_class[0] == 1.0
    assert result.per_class[1:].isnan().all()
    assert (result.mean, result.num_empty) == (1.0, 2)
    assert result.positives.tolist() == [1, 0, 0]
    assert result.negatives.tolist() == [1, 2, 0]
    assert mean_average_precision(scores, labels, empty="zero") == pytest.approx(1 / 3)
    as_negative = summarize_average_precision(scores, labels, unknown="negative")
    assert as_negative.negatives.tolist() == [1, 2, 2]


@pytest.mark.parametrize("samples", [0, 3])
def test_nothing_to_rank_gives_nan(samples):
    scores, labels = torch.zeros(samples, 2), torch.zeros(samples, 2, dtype=torch.long)
    assert average_precision(scores, labels).isnan().all()
    assert math.isnan(mean_average_precision(scores, labels))
    assert mean_average_precision(scores, labels, empty="zero") == 0.0


def test_no_class_gives_nan():
    assert math.isnan(mean_average_precision(torch.zeros(3, 0), torch.zeros(3, 0)))


@pytest.mark.parametrize("dtype", [torch.int8, torch.int64, torch.float32, torch.float64])
def test_labels_of_any_number_type(dtype):
    scores, labels = random_case()
    expected = average_precision(scores, labels)
    assert torch.equal(average_precision(scores, labels.to(dtype)), expected)


def test_chunks_over_classes_change_nothing(monkeypatch):
    scores, labels = random_case(samples=40, classes=11)
    whole = average_precision(scores, labels)
    monkeypatch.setattr(ranking, "_CHUNK", 40 * 3)
    assert torch.equal(average_precision(scores, labels), whole)


def test_inputs_are_left_alone_and_carry_no_gradient():
    scores, labels = random_case()
    scores.requires_grad_()
    before = scores.detach().clone()
    assert not average_precision(scores, labels).requires_grad
    assert torch.equal(scores.detach(), before)


def test_zero_one_labels_are_refused_rather_than_scored_as_perfect():
    scores, labels = torch.rand(4, 2), torch.tensor([[1, 0], [0, 1], [0, 0], [1, 1]])
    with pytest.raises(ValueError, match=r"`labels` must contain a known negative.*unknown="):
        mean_average_precision(scores, labels)
    assert 0 < mean_average_precision(scores, labels, unknown="negative") <= 1


def test_bad_input_says_what_to_do(no_shape_checks):
    scores, labels = random_case(samples=4, classes=2)
    with pytest.raises(ValueError, match=r"`labels` must have the shape of `scores`, \[4, 2\]"):
        average_precision(scores, labels[:3])
    with pytest.raises(ValueError, match=r"only -1 \(negative\), 0 \(unknown\) and 1"):
        average_precision(scores, labels + 2)
    with pytest.raises(ValueError, match="`scores` must not be nan, got nan in 1 rows, first 2"):
        average_precision(scores.index_fill(0, torch.tensor([2]), math.nan), labels)
    with pytest.raises(ValueError, match="`definition` must be one of 'plain', 'interpolated'"):
        average_precision(scores, labels, definition="voc")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`unknown` must be one of 'exclude', 'negative'"):
        average_precision(scores, labels, unknown="skip")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`ties` must be one of 'pessimistic'"):
        average_precision(scores, labels, ties="random")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`empty` must be one of 'skip', 'zero'"):
        mean_average_precision(scores, labels, empty="drop")  # type: ignore[arg-type]


def test_working_memory_is_bounded_by_the_chunk(monkeypatch):
    ranked = []
    original = ranking._ranked_precision

    def watch(scores, labels, **options):
        ranked.append(scores.numel())
        return original(scores, labels, **options)

    monkeypatch.setattr(ranking, "_ranked_precision", watch)
    monkeypatch.setattr(ranking, "_CHUNK", 1000)
    average_precision(*random_case(samples=300, classes=10))
    assert max(ranked) <= 1000
    assert sum(ranked) == 3000
