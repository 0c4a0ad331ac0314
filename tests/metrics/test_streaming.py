import pytest
import torch

from trmml.metrics import ScoreAccumulator, summarize_average_precision


@pytest.fixture
def case():
    return torch.randn(50, 4), torch.randint(-1, 2, (50, 4))


@pytest.mark.parametrize("size", [1, 7, 50])
def test_batches_give_what_one_call_gives(case, size):
    scores, labels = case
    accumulator = ScoreAccumulator()
    for start in range(0, 50, size):
        accumulator.update(scores[start : start + size], labels[start : start + size])
    assert len(accumulator) == 50
    for options in [{}, {"definition": "interpolated", "unknown": "negative", "empty": "zero"}]:
        found = accumulator.average_precision(**options)
        expected = summarize_average_precision(scores, labels, **options)
        assert found.mean == expected.mean
        assert torch.equal(found.per_class, expected.per_class)


def test_a_row_seen_twice_counts_once_and_rows_return_in_order(case):
    scores, labels = case
    accumulator = ScoreAccumulator()
    for rows in torch.cat([torch.randperm(50), torch.arange(6)]).split(8):
        accumulator.update(scores[rows], labels[rows], rows=rows)
    found_scores, found_labels = accumulator.gathered()
    assert torch.equal(found_scores, scores)
    assert torch.equal(found_labels, labels.to(torch.int8))


def test_later_changes_of_a_batch_do_not_reach_what_was_kept(case):
    scores, labels = case[0].clone(), case[1].clone()
    accumulator = ScoreAccumulator()
    accumulator.update(scores, labels)
    scores.zero_()
    labels.zero_()
    assert torch.equal(accumulator.gathered()[0], case[0])
    assert torch.equal(accumulator.gathered()[1].long(), case[1])


def test_reset_forgets(case):
    accumulator = ScoreAccumulator()
    accumulator.update(*case)
    accumulator.reset()
    assert len(accumulator) == 0
    with pytest.raises(ValueError, match="`update` must be called before"):
        accumulator.average_precision()


def test_bad_batches_are_refused(case, no_shape_checks):
    scores, labels = case
    accumulator = ScoreAccumulator()
    accumulator.update(scores, labels)
    with pytest.raises(ValueError, match="`scores` must have 4 classes as in the first batch"):
        accumulator.update(scores[:, :3], labels[:, :3])
    with pytest.raises(ValueError, match="`labels` must have the shape of `scores`"):
        accumulator.update(scores, labels[:3])
    with pytest.raises(ValueError, match=r"only -1 \(negative\)"):
        accumulator.update(scores, labels * 2)
    with pytest.raises(ValueError, match="`rows` must be given for every batch or for none"):
        accumulator.update(scores, labels, rows=torch.arange(50))
