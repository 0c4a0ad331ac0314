import pytest
import torch

from tests._references.answer_value import answer_value
from tests.prediction.photographs import NAMES, small_model, table_of, write_pictures
from trmml.prediction import calibrated_proposals, merge_review, next_labels, score_images
from trmml.prediction.review_tasks import write_review_tasks


@pytest.fixture
def table(tmp_path):
    return table_of(tmp_path, write_pictures(tmp_path, 7), broken="skip")


def values_of_unknown(table, probabilities):
    positives = (table.labels == 1).sum(0).tolist()
    return {
        (table.names[row], NAMES[column]): answer_value(
            float(probabilities[row, column]), positives[column]
        )
        for row, column in (table.labels == 0).nonzero().tolist()
    }


@pytest.mark.parametrize("count", [1, 3, 100])
@pytest.mark.parametrize("batch_size", [2, 32])
def test_the_best_of_all_unknown_cells_come_first(table, count, batch_size):
    model = small_model()
    worth = values_of_unknown(table, score_images(model, table).double().sigmoid())
    found = next_labels(model, table, count=count, batch_size=batch_size)
    assert len(found) == min(count, len(worth))
    got = [worth[one.image, one.class_name] for one in found]
    assert got == pytest.approx(sorted(worth.values(), reverse=True)[:count], abs=1e-5)
    assert {one.source for one in found} == {"probability"}


def test_labels_that_the_model_never_saw_calibrate_it_first(table):
    model = small_model()
    every = calibrated_proposals(model, table, unseen=True, min_confidence=0.0).proposals
    found = next_labels(model, table, count=4, unseen=True)
    probability = {(one.image, one.class_name): one.probability for one in every}
    assert {one.source for one in found} == {"calibrated"}
    for one in found:
        assert one.probability == pytest.approx(probability[one.image, one.class_name])


def test_what_cannot_be_read_is_not_asked_about(tmp_path):
    names = write_pictures(tmp_path, 4, damaged=(1,))
    table = table_of(tmp_path, names, broken="skip")
    found = next_labels(small_model(), table.replace(labels=torch.zeros(4, 3)), count=100)
    assert len(found) == 9
    assert names[1] not in {one.image for one in found}
    known = table.replace(labels=torch.ones(4, 3))
    assert next_labels(small_model(), known) == []


def test_the_answers_come_back_into_the_table(table, tmp_path):
    found = next_labels(small_model(), table, count=5)
    write_review_tasks(found, tmp_path / "review.csv", table=table, format="csv")
    text = (tmp_path / "review.csv").read_text(encoding="utf-8-sig").splitlines()
    (tmp_path / "review.csv").write_text("\n".join([text[0], *(f"{line}yes" for line in text[1:])]))
    assert merge_review(table, tmp_path / "review.csv").accepted == 5


def test_at_least_one_is_asked_about(table):
    with pytest.raises(ValueError, match="`count` must be at least 1, got 0"):
        next_labels(small_model(), table, count=0)
