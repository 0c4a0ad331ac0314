import pytest
import torch

from tests.prediction.photographs import NAMES, small_model, table_of, write_pictures
from trmml.models import TRMMLConfig
from trmml.prediction import propose_labels, score_images


@pytest.fixture
def table(tmp_path):
    return table_of(tmp_path, write_pictures(tmp_path), broken="skip")


@pytest.fixture(scope="module")
def learnt():
    """A model whose bank and thresholds have seen something, in its second stage."""
    model = small_model(config=TRMMLConfig(bank_capacity=4)).train()
    generator = torch.Generator().manual_seed(4)
    for _ in range(3):
        images = torch.randn(6, 3, 64, 64, generator=generator)
        labels = torch.randint(-1, 2, (6, 3), generator=generator)
        with torch.no_grad():
            model.loss(model(images), labels)
    model.begin_second_stage()
    return model.eval()


def key(table, row, column):
    return table.names[row], NAMES[column]


def test_by_probability_thresholds_decide(table):
    model = small_model()
    model.decision_thresholds = [0.85, 0.1, 0.999]
    found = propose_labels(model, table, min_confidence=0, batch_size=2)
    probabilities = score_images(model, table).sigmoid()
    expected = {
        key(table, row, column): 1 if probabilities[row, column] >= cut else -1
        for column, cut in enumerate(model.decision_thresholds)
        for row in range(7)
        if table.labels[row, column] == 0
    }
    assert {(one.image, one.class_name): one.label for one in found} == expected
    assert {one.source for one in found} == {"probability"}
    assert {-1, 1} == {one.label for one in found}


def test_by_prototypes_the_model_completes_as_in_training(table, learnt):
    found = propose_labels(learnt, table, batch_size=3)
    with torch.no_grad():
        output = learnt(torch.cat([learnt.preprocess(path) for path in table.paths]))
        completed = learnt.complete(output, table.labels)
    added = ((completed != 0) & (table.labels == 0)).nonzero().tolist()
    expected = {key(table, row, column): int(completed[row, column]) for row, column in added}
    assert expected
    assert {(one.image, one.class_name): one.label for one in found} == expected
    assert {one.source for one in found} == {"prototypes"}
    by_probability = propose_labels(learnt, table, source="probability", min_confidence=0)
    assert len(by_probability) == int((table.labels == 0).sum())


def test_the_surest_come_first_and_a_bound_cuts_the_rest(table):
    everything = propose_labels(small_model(), table, min_confidence=0)
    sure = [one.confidence for one in everything]
    assert sure == sorted(sure, reverse=True)
    assert min(sure) >= 0.5
    bound = sure[2]
    assert propose_labels(small_model(), table, min_confidence=bound) == everything[:3]
    assert all(one.confidence >= 0.9 for one in propose_labels(small_model(), table))


def test_unreadable_images_have_no_proposal_and_are_listed(table):
    table.paths[2].unlink()
    steps = []
    found = propose_labels(small_model(), table, min_confidence=0, progress=steps.append)
    assert table.names[2] not in {one.image for one in found}
    assert [error.path for error in table.broken_files()] == [table.paths[2]]
    assert steps == [7]


def test_prototypes_need_the_second_stage(table, learnt):
    with pytest.raises(ValueError, match="`training_state=True`"):
        propose_labels(small_model(), table, source="prototypes")
    bare = TRMMLConfig(aggregation="mean", prototypes="none", contrastive=False, distillation=False)
    with pytest.raises(ValueError, match="`training_state=True`"):
        propose_labels(small_model(config=bare), table, source="prototypes")
