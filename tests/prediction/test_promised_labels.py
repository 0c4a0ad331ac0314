import pytest
import torch

from tests.prediction.evidence import partly_known, streaming, truth_and_scores
from tests.prediction.photographs import NAMES, small_model, table_of, write_pictures
from trmml.models import TRMMLConfig
from trmml.modules import CalibratedPseudoLabeler
from trmml.prediction import calibrated_proposals, is_calibrated, propose_labels

LOOK = "trmml.prediction.scoring.stream_table"


@pytest.fixture(scope="module")
def known():
    truth, scores = truth_and_scores()
    return truth, scores, partly_known(truth)


def keep_calibration(model, evidence, labels):
    """Give a model what one has that was trained with calibrated completion."""
    model.labeler = CalibratedPseudoLabeler(len(NAMES), num_evidence=len(evidence))
    model.labeler.fit(evidence, labels)
    model.evidence = lambda output: torch.stack([output.logits, 0 * output.logits])
    return model


def right(proposals, truth):
    hits = [
        int(truth[int(one.image.removesuffix(".png")), NAMES.index(one.class_name)]) == one.label
        for one in proposals
    ]
    return sum(hits) / len(hits)


@pytest.mark.parametrize("precision", [0.8, 0.95])
def test_known_labels_that_were_never_seen_keep_a_promise(known, monkeypatch, precision):
    truth, scores, table = known
    monkeypatch.setattr(LOOK, streaming(scores))
    kept = calibrated_proposals(
        small_model(), table, unseen=True, present=precision, absent=precision
    )
    assert {one.label for one in kept.proposals} == {-1, 1}
    for sign in (-1, 1):
        some = [one for one in kept.proposals if one.label == sign]
        assert right(some, truth) >= precision - 0.02  # an expectation, of some seventy labels
    assert len(kept.proposals) + kept.left_open == int((table.labels == 0).sum())
    assert {one.source for one in kept.proposals} == {"calibrated"}
    sure = [one.confidence for one in kept.proposals]
    assert sure == sorted(sure, reverse=True)
    labeler = CalibratedPseudoLabeler(len(NAMES), num_evidence=1).fit(scores[None], table.labels)
    probability = labeler.probability(scores[None])
    for one in kept.proposals[:20]:
        row, column = int(one.image.removesuffix(".png")), NAMES.index(one.class_name)
        assert one.probability == pytest.approx(float(probability[row, column]))


def test_probabilities_are_right_as_often_as_they_say(known, monkeypatch):
    truth, scores, table = known
    monkeypatch.setattr(LOOK, streaming(scores))
    kept = calibrated_proposals(small_model(), table, unseen=True, min_confidence=0)
    assert kept.left_open == 0
    assert right(kept.proposals, truth) == pytest.approx(
        sum(one.confidence for one in kept.proposals) / len(kept.proposals), abs=0.03
    )
    unsure = [one for one in kept.proposals if one.confidence < 0.7]
    assert right(unsure, truth) < 0.8
    sure = calibrated_proposals(small_model(), table, unseen=True).proposals
    assert sure == [one for one in kept.proposals if one.confidence >= 0.9]


def test_a_calibrated_model_needs_nothing_else(known, monkeypatch):
    truth, scores, table = known
    both = torch.stack([scores, 0 * scores])
    model = keep_calibration(small_model(), both, table.labels)
    assert is_calibrated(model)
    assert not is_calibrated(small_model())
    monkeypatch.setattr(LOOK, streaming(scores))
    kept = calibrated_proposals(model, table, present=0.9)
    assert {one.label for one in kept.proposals} == {1}
    assert right(kept.proposals, truth) >= 0.9
    assert model.labeler is not None
    completed = model.labeler(both, table.labels, present=0.9, absent=None)
    assert len(kept.proposals) == int(((completed == 1) & (table.labels == 0)).sum())
    found = propose_labels(model, table, min_confidence=0.8)
    assert {one.source for one in found} == {"calibrated"}
    assert min(one.confidence for one in found) >= 0.8
    with pytest.raises(ValueError, match="`source` can be 'prototypes' only"):
        propose_labels(model, table, source="prototypes")


def test_nothing_is_proposed_where_a_promise_cannot_be_kept(known, monkeypatch):
    _, scores, table = known
    monkeypatch.setattr(LOOK, streaming(torch.randn(scores.shape)))
    kept = calibrated_proposals(small_model(), table, unseen=True, present=0.95, absent=0.99)
    assert kept.proposals == []
    assert kept.left_open == int((table.labels == 0).sum())
    assert [reason[:10] for reason in kept.report.reasons] == ["No positiv", "No negativ"]
    one_sided = table.replace(labels=table.labels.clamp(max=0))
    monkeypatch.setattr(LOOK, streaming(scores))
    for present in (None, 0.9):
        kept = calibrated_proposals(small_model(), one_sided, unseen=True, present=present)
        assert kept.proposals == []
        assert "No withheld label is positive" in kept.report.reasons[0]


def test_images_that_cannot_be_read_are_left_out(tmp_path):
    table = table_of(tmp_path, write_pictures(tmp_path), broken="skip")
    table.paths[2].unlink()
    steps = []
    kept = calibrated_proposals(
        small_model(), table, unseen=True, min_confidence=0, batch_size=3, progress=steps.append
    )
    assert kept.proposals
    assert table.names[2] not in {one.image for one in kept.proposals}
    assert [error.path for error in table.broken_files()] == [table.paths[2]]
    assert steps == [3, 3, 1]


def test_what_is_missing_is_said(known):
    _, _, table = known
    with pytest.raises(ValueError, match=r"`model` must know how often .* or --unseen"):
        calibrated_proposals(small_model(), table, present=0.9)
    with pytest.raises(ValueError, match=r"`absent` must be in \(0, 1\) or None, got 1"):
        calibrated_proposals(small_model(), table, unseen=True, absent=1)


def test_trmml_keeps_its_calibration_with_the_training_state(tmp_path):
    table = table_of(tmp_path, write_pictures(tmp_path), broken="skip")
    model = small_model(config=TRMMLConfig(completion="calibrated", bank_capacity=4))
    assert model.labeler is not None
    assert not is_calibrated(model)
    generator = torch.Generator().manual_seed(7)
    truth = torch.where(torch.rand(90, 3, generator=generator) < 0.4, 1, -1)
    kinds = model.labeler.num_evidence
    model.labeler.fit(truth + torch.randn(kinds, 90, 3, generator=generator), truth)
    model.save_pretrained(tmp_path / "model", training_state=True)
    loaded = type(model).from_pretrained(tmp_path / "model", encoders=model.encoders)
    assert is_calibrated(loaded)
    assert loaded.labeler is not None
    found = propose_labels(loaded, table, min_confidence=0, batch_size=3)
    assert len(found) == int((table.labels == 0).sum())
    with torch.no_grad():
        output = loaded(torch.cat([loaded.preprocess(path) for path in table.paths]))
        probability = loaded.labeler.probability(loaded.evidence(output))
    for one in found:
        row, column = table.names.index(one.image), NAMES.index(one.class_name)
        assert one.probability == pytest.approx(float(probability[row, column]), abs=1e-4)
