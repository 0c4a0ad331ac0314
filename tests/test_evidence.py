"""The grid of evidence: what is trained, which labels are known, what is kept and shown."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.evidence import __main__ as grid
from benchmarks.evidence import tables
from benchmarks.evidence.arms import EVERYWHERE, QUESTIONS, Arm
from benchmarks.evidence.completed_contrast import contrast_completed
from benchmarks.evidence.known_labels import known_labels
from benchmarks.evidence.one_run import changes, measure, path_of
from benchmarks.worlds import World, areas_of
from trmml.encoders import load_tiny
from trmml.labels import NEGATIVE, POSITIVE, UNKNOWN
from trmml.models import ABLATIONS, TRMML, TRMMLConfig
from trmml.training import Recipe, encode_images
from trmml.world import make_scenes

TRUTH = torch.where(torch.rand(400, 6, generator=torch.Generator().manual_seed(0)) < 0.3, 1, -1)


def test_arms_of_one_name_are_the_same_in_all_questions():
    seen: dict[str, Arm] = {}
    for question in QUESTIONS.values():
        assert set(question.worlds) <= set(EVERYWHERE)
        for name, arm in question.arms.items():
            assert seen.setdefault(name, arm) == arm
    files = {path_of(Path(), "0.1", name, 0) for name in seen}
    assert len(files) == len(seen)


@pytest.mark.parametrize("share", [0.02, 0.5])
def test_wrong_labels_are_as_many_as_was_said_and_all_else_is_as_it_was(share: float):
    right = known_labels(TRUTH, "0.5", seed=3, areas=None)
    wrong = known_labels(TRUTH, f"0.5-wrong-{share}", seed=3, areas=None)
    assert ((wrong != UNKNOWN) == (right != UNKNOWN)).all()
    flipped = int((wrong != right).sum()) / int((right != UNKNOWN).sum())
    assert flipped == pytest.approx(share, abs=0.04)


def test_frequent_classes_are_known_more_often_and_as_many_labels_in_all():
    truth = torch.where(torch.rand(500, 2) < torch.tensor([0.5, 0.05]), 1, -1)
    random = known_labels(truth, "0.2", seed=0, areas=None)
    found = known_labels(truth, "0.2-frequent", seed=0, areas=None)
    assert int((found != UNKNOWN).sum()) == int((random != UNKNOWN).sum())
    frequent, rare = (found != UNKNOWN).sum(dim=0).tolist()
    assert frequent > 5 * rare > 0
    assert (found[found != UNKNOWN] == truth[found != UNKNOWN]).all()


def test_salient_positives_are_known_and_the_negatives_are_as_at_random():
    areas = torch.rand(TRUTH.shape, generator=torch.Generator().manual_seed(1)) ** 4
    random = known_labels(TRUTH, "0.1", seed=0, areas=None)
    found = known_labels(TRUTH, "0.1-salient", seed=0, areas=areas)
    assert ((found == NEGATIVE) == (random == NEGATIVE)).all()
    assert int((found == POSITIVE).sum()) == int((random == POSITIVE).sum())
    assert (TRUTH[found == POSITIVE] == POSITIVE).all()
    assert areas[found == POSITIVE].mean() > 1.5 * areas[TRUTH == POSITIVE].mean()
    with pytest.raises(ValueError, match="`areas` are needed"):
        known_labels(TRUTH, "0.1-salient", seed=0, areas=None)


def test_areas_are_those_of_the_boxes_as_far_as_they_are_seen():
    scenes = make_scenes(5, seed=0, image_size=64)
    areas = areas_of(scenes)
    assert ((areas > 0) == torch.from_numpy(scenes.labels == 1)).all()
    label, left, top, right, bottom = scenes.boxes[0][0].tolist()
    if sum(int(box[0]) == int(label) for box in scenes.boxes[0]) == 1:
        seen = float(scenes.visible[0][0]) * (right - left) * (bottom - top) / 64**2
        assert float(areas[0, int(label)]) == pytest.approx(seen, rel=1e-5)


@pytest.fixture(scope="module")
def world() -> World:
    """A few scenes at a size that takes no time."""
    encoders, scenes = load_tiny(), make_scenes(60, seed=0, image_size=64)
    features = encode_images(encoders.image, torch.from_numpy(scenes.images).split(50))
    labels = torch.from_numpy(scenes.labels).long()
    return {
        "encoders": encoders,
        "names": scenes.class_names,
        "train": features,
        "truth": labels,
        "judged": features,
        "judged_truth": labels,
        "areas": areas_of(scenes),
    }


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train for two epochs."""
    recipe = Recipe(epochs=2, batch_size=24, max_lr=4e-3)
    monkeypatch.setattr("benchmarks.evidence.one_run.DEMO_RECIPE", recipe)


def test_a_run_asks_both_scores_and_notes_what_each_epoch_added(world: World, short: None):
    known = known_labels(world["truth"], "0.5", seed=0, areas=None)
    arm = Arm(TRMMLConfig(first_stage_share=0.5), complete_decoder=True, contrasts_completed=True)
    figures = measure(arm, known, seed=0, world=world)
    assert set(figures["map"]) == set(figures["validation"]) == {"score", "query", "mean"}
    assert figures["changes"] == {"method": "trmml", "first_stage_share": 0.5}
    assert len(figures["added"]) == 2
    count, right = figures["added"][-1]["positive"]
    assert count == 0 or 0 <= right <= 100
    assert json.loads(json.dumps(figures)) == figures


def test_a_run_without_regions_has_one_score_and_adds_nothing(world: World, short: None):
    known = known_labels(world["truth"], "0.5", seed=0, areas=None)
    figures = measure(Arm(ABLATIONS["baseline"]), known, seed=0, world=world)
    assert set(figures["map"]) == {"score"}
    assert figures["added"] == []


def test_the_contrastive_loss_sees_the_completed_labels_and_no_bound_on_their_number():
    model = TRMML(load_tiny(), ["tree", "boat"], image_size=64).train()
    contrast_completed(model)
    seen: list[Any] = []
    loss = model.contrastive_loss
    assert loss is not None
    loss.register_forward_pre_hook(lambda _, args, kw: seen.append((args, kw)), with_kwargs=True)
    labels = torch.tensor([[1, -1], [0, 1], [-1, 0], [1, 0]])
    for second in (False, True):
        if second:
            model.begin_second_stage()
        model.loss(model(torch.randn(4, 3, 64, 64)), labels, most_positives=1)
    assert seen[0][0][2].equal(labels)
    assert all(kw["most_positives"] is None for _, kw in seen)
    known = labels != UNKNOWN
    assert seen[1][0][2][known].equal(labels[known])
    with pytest.raises(ValueError, match="must have prototypes"):
        contrast_completed(TRMML(load_tiny(), ["tree"], config=ABLATIONS["carl"]))


def test_what_is_done_is_not_done_again_and_other_settings_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, world: World, capsys: pytest.CaptureFixture
):
    trained: list[str] = []

    def count(arm: Arm, *_: object, seed: int, world: World) -> dict[str, Any]:
        trained.append(str(arm))
        found = {"score": 50.0 + seed}
        return {"changes": changes(arm.config), "map": found, "validation": found, "added": []}

    monkeypatch.setattr(grid, "measure", count)
    monkeypatch.setattr(grid, "RESULTS", tmp_path)
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    monkeypatch.setattr(grid, "opener", lambda *_: lambda _: world)
    command = ["generated", "--questions", "prototypes", "missing", "--seeds", "0", "1"]
    grid.main(command)
    assert len(trained) == 2 * (4 + 3 * 5 - 2)  # two arms are in both questions
    grid.main(command)
    assert len(trained) == 2 * (4 + 3 * 5 - 2)
    shown = capsys.readouterr().out
    assert "| carl+kd | 50.5 ± 0.7 (2) |" in shown
    assert "| carl+kd+mmcp | 50.5 ± 0.7 (2), +0.0 ± 0.0 |" in shown
    assert (tmp_path / "generated.md").read_text() in shown
    path = path_of(tmp_path / "generated", "0.1", "carl+kd", 0)
    path.write_text(path.read_text().replace('"contrastive": false', '"contrastive": true'))
    with pytest.raises(ValueError, match="delete it to make it again"):
        grid.main(command)


def test_each_committed_run_is_of_todays_settings():
    for path in sorted(tables.RESULTS.glob("*/*/*/*.json")):
        world, known, arm = path.parts[-4:-1]
        asked = [question for question in QUESTIONS.values() if world in question.worlds]
        assert known in {known for question in asked for known in question.known}
        arms = {
            path_of(Path(), known, name, 0).parts[-2]: candidate
            for question in asked
            for name, candidate in question.arms.items()
        }
        figures = json.loads(path.read_text())
        assert figures["changes"] == changes(arms[arm].config)
        assert all(0 < value < 100 for value in figures["map"].values())


@pytest.mark.parametrize("world", [w for w in EVERYWHERE if (tables.RESULTS / w).exists()])
def test_the_committed_tables_are_of_the_committed_runs(
    world: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    written = (tables.RESULTS / f"{world}.md").read_text()
    monkeypatch.setattr(tables, "write_atomically", lambda *_: None)
    assert tables.write_tables(world) == written
