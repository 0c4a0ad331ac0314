import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.demo.generated import SHORT, silent, write_photographs
from tests.random_clip import random_pair
from trmml.data import hide_labels
from trmml.demo import (
    DemoData,
    DemoResult,
    draw_completion,
    draw_regions,
    photograph_data,
    run_experiment,
    world_data,
    write_results,
)
from trmml.demo.experiment import _pseudo_label_quality
from trmml.demo.report import HEAD, reasons, table_rows
from trmml.metrics import mean_average_precision
from trmml.models import TRMML
from trmml.training import encode_images, predict_logits


@pytest.fixture(scope="module")
def data() -> DemoData:
    return world_data(num_train=16, num_test=10)


def run(data: DemoData, **options: Any) -> DemoResult:  # noqa: ANN401 - passed on
    return run_experiment(data, random_pair(), progress=silent, recipe=SHORT, **options)


@pytest.fixture(scope="module")
def result(data: DemoData) -> DemoResult:
    return run(data, keep=0.5, seed=3)


def report_of(result: DemoResult) -> dict[str, Any]:
    return json.loads(json.dumps(result.report))


def test_the_report_has_what_the_demo_promises(data: DemoData, result: DemoResult) -> None:
    report = report_of(result)
    assert (report["keep"], report["seed"], report["single_positive"]) == (0.5, 3, False)
    assert (report["source"], report["num_train"], report["num_test"]) == ("world", 16, 10)
    assert report["class_names"] == list(data.class_names)
    methods = ["zero_shot", "zero_shot_dense", "baseline", "trmml", "trmml_calibrated"]
    assert [*report["map"]] == methods
    assert all(0 <= value <= 1 for value in report["map"].values())
    assert report["recipe"]["seed"] == 3
    assert report["encoders"]["name"] == "random"


def test_further_methods_change_nothing_of_the_others(data: DemoData, result: DemoResult) -> None:
    more = report_of(run(data, keep=0.5, seed=3, methods=["coop", "zero-shot"]))
    before = report_of(result)
    found = more.pop("map")
    assert [*found] == [*before["map"], "coop", "zero-shot"]
    assert {name: found[name] for name in before["map"]} == before.pop("map")
    assert more == before
    rows = table_rows({**more, "map": found})
    assert [row[0] for row in rows[-2:]] == ["coop", "zero-shot"]


@pytest.mark.parametrize("name", ["trmml", "tai-dpt", "nothing", ""])
def test_a_further_method_is_one_that_the_demo_can_train(data: DemoData, name: str) -> None:
    with pytest.raises(ValueError, match=r"`methods` must be one of 'zero-shot', "):
        run(data, methods=["coop", name])


def test_the_share_of_known_labels_is_that_of_the_protocol(
    data: DemoData, result: DemoResult
) -> None:
    known = hide_labels(data.train.labels, 0.5, seed=3)
    assert isinstance(known, torch.Tensor)
    assert report_of(result)["known_share"] == (known != 0).double().mean()


def test_the_reported_precision_is_that_of_the_returned_model(
    data: DemoData, result: DemoResult
) -> None:
    features = encode_images(result.model.image_encoder, data.test.batches(10))
    # Of logits: probabilities of a random model saturate, and ties count differently.
    scores = predict_logits(result.model, features)
    expected = float(mean_average_precision(scores, data.test.labels))
    assert report_of(result)["map"]["trmml"] == pytest.approx(expected)


def test_the_scores_are_those_of_the_returned_model(data: DemoData, result: DemoResult) -> None:
    images = (next(data.test.batches(10)) / 255 - 0.5) / 0.5
    torch.testing.assert_close(result.model.predict(images), result.test_scores)


def test_the_model_prepares_pictures_at_the_size_it_was_trained_on(
    data: DemoData, result: DemoResult
) -> None:
    pixels = data.test.read(0)
    picture = Image.fromarray(pixels.permute(1, 2, 0).numpy())
    torch.testing.assert_close(result.model.preprocess(picture)[0], (pixels / 255 - 0.5) / 0.5)


def test_the_quality_of_completed_labels_counts_hidden_ones_only() -> None:
    truth = torch.tensor([[1, 1, -1, -1, -1, 0]])
    known = torch.tensor([[1, 0, 0, 0, 0, 0]])
    completed = torch.tensor([[1, 1, 1, -1, 0, 1]])
    assert _pseudo_label_quality(truth, known, completed) == {
        "completed_share": 3 / 4,
        "positive": {"precision": 1 / 2, "recall": 1.0, "count": 2},
        "negative": {"precision": 1.0, "recall": 1 / 3, "count": 1},
    }
    nothing = _pseudo_label_quality(truth, truth, truth)
    assert nothing["completed_share"] is None
    assert nothing["positive"] == {"precision": None, "recall": None, "count": 0}


def test_the_same_seed_gives_the_same_report(data: DemoData, result: DemoResult) -> None:
    torch.rand(7)  # whatever the global random state is
    again, other = run(data, keep=0.5, seed=3), run(data, keep=0.5, seed=4)
    assert report_of(again) == report_of(result)
    assert torch.equal(again.test_scores, result.test_scores)
    assert not torch.equal(other.test_scores, result.test_scores)


def test_a_single_positive_label_of_each_image_may_be_kept(data: DemoData) -> None:
    result = run(data, single_positive=True)
    report = report_of(result)
    assert (report["single_positive"], report["keep"]) == (True, None)
    assert report["known_share"] == pytest.approx(1 / len(data.class_names))
    assert result.model.config.unknown_as_negative
    # No negative is known, so nobody can say how often a class is there: said in words.
    row = table_rows(report)[-1]
    assert row[2:] == ("none", "-", "none", "-")
    (said,) = [reason for reason in reasons(report) if "No withheld label is negative" in reason]
    assert said.startswith("TRM-ML, calibrated: ")


def test_added_labels_are_told_for_both_rules_and_epoch_by_epoch(
    data: DemoData, result: DemoResult, tmp_path: Path
) -> None:
    report = report_of(result)
    completion = report["completion"]
    assert [*completion] == ["trmml", "trmml_calibrated"]
    known = hide_labels(data.train.labels, 0.5, seed=3)
    for found in completion.values():
        assert [figures["epoch"] for figures in found["by_epoch"]] == [0, 1]
        assert found["selected"] == found["by_epoch"][-1]
    assert completion["trmml"]["selected"]["positive"]["promised"] is None
    assert completion["trmml_calibrated"]["selected"]["positive"]["promised"] == 0.6
    hidden = completion["trmml_calibrated"]["reliability"]["hidden"]["count"]
    assert sum(hidden) == int((known == 0).sum())
    written = draw_completion(report, tmp_path)
    completion["trmml_calibrated"]["reliability"] = None
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "reliability.png").touch()
    assert len(draw_completion(report, tmp_path / "other")) == 1
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["labels_added.png"]
    assert [path.name for path in written] == ["labels_added.png", "reliability.png"]
    for path in written:
        with Image.open(path) as picture:
            assert np.asarray(picture.convert("L")).std() > 10


def test_progress_covers_every_image_and_step(data: DemoData) -> None:
    seen: dict[str, tuple[int, int]] = {}

    @contextmanager
    def counting(title: str, total: int) -> Iterator[Callable[[int], None]]:
        steps: list[int] = []
        yield steps.append
        seen[title] = (total, sum(steps))

    run_experiment(data, random_pair(), progress=counting, recipe=SHORT)
    # The last is calibrated, by judges that are trained before it: an epoch at least.
    assert [*seen.values()] == [(16, 16), (10, 10), (4, 4), (4, 4), (6, 6)]


def test_keeping_no_label_is_refused(data: DemoData) -> None:
    with pytest.raises(ValueError, match="must have a known label, got none"):
        run(data, keep=0.0)


def test_pictures_are_drawn(data: DemoData, result: DemoResult, tmp_path: Path) -> None:
    written = draw_regions(result.model, data.test, result.test_scores, tmp_path, count=2)
    assert written[0] == tmp_path / "regions.jpg"
    assert len(written) == 3
    richest = int((data.test.labels == 1).sum(dim=1).argmax())
    assert written[1].name == f"regions-{richest:04d}.jpg"
    for path in written:
        with Image.open(path) as picture:
            assert np.asarray(picture.convert("L")).std() > 10


def test_results_are_written_whole_and_read_back(result: DemoResult, tmp_path: Path) -> None:
    write_results(result.report, tmp_path / "results.json")
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]
    text = (tmp_path / "results.json").read_text(encoding="utf-8")
    assert json.loads(text, parse_constant=pytest.fail) == report_of(result)


def test_the_table_shows_every_method_in_percent() -> None:
    values = {"zero_shot": 0.1, "zero_shot_dense": 0.25, "baseline": 0.5, "trmml": 0.755}
    rows = table_rows({"map": values})  # as reports were before labels were calibrated
    assert [row[1] for row in rows] == ["10.0", "25.0", "50.0", "75.5"]
    figures = {"positive": {"count": 1234, "precision": 0.5}}
    figures["negative"] = {"count": 0, "precision": None}
    added = {"selected": figures, "reasons": ["Because."]}
    report = {"map": {**values, "trmml_calibrated": 0.8}, "completion": {"trmml_calibrated": added}}
    *others, last = table_rows(report)
    assert {row[2:] for row in others} == {("", "", "", "")}
    assert last == ("TRM-ML, calibrated", "80.0", "1,234", "50.0", "none", "-")
    assert len(HEAD) == len(last)
    assert [*reasons(report)] == ["TRM-ML, calibrated: Because."]
    figures["negative"] = {"count": 7, "precision": 1.0}
    assert [*reasons(report)] == []


def test_the_saved_model_is_the_one_that_was_measured(
    data: DemoData, result: DemoResult, tmp_path: Path
) -> None:
    result.model.save_pretrained(tmp_path)
    again = TRMML.from_pretrained(tmp_path, encoders=random_pair())
    images = (next(data.test.batches(10)) / 255 - 0.5) / 0.5
    torch.testing.assert_close(again.predict(images), result.test_scores)


def test_scenes_are_generated_with_progress() -> None:
    told: list[int] = []
    data = world_data(num_train=2, num_test=1, progress=told.append)
    assert told == [1, 2, 3]
    assert data.train.read(1).shape == (3, 256, 256)
    assert (data.source, len(data.train), len(data.test)) == ("world", 2, 1)
    assert set(data.train.labels.unique().tolist()) == {-1, 1}


def test_photographs_are_split_without_overlap(tmp_path: Path) -> None:
    data = photograph_data(tmp_path, write_photographs(tmp_path))
    assert data.source == "photographs"
    assert data.class_names == ("red", "green", "blue")
    assert (len(data.train), len(data.test)) == (8, 4)
    assert {*data.train.names, *data.test.names} == {f"{i}.png" for i in range(12)}
    again = photograph_data(tmp_path, tmp_path / "labels.csv")
    assert again.test.names == data.test.names


def test_photographs_keep_their_own_labels(tmp_path: Path) -> None:
    data = photograph_data(tmp_path, write_photographs(tmp_path))
    for part in (data.train, data.test):
        pixels = torch.cat([*part.batches(3)]).float()
        assert pixels.shape == (len(part), 3, 256, 256)
        for channel in range(3):  # a colour is there where its channel outshines the others
            others = pixels[:, [c for c in range(3) if c != channel]].amax(dim=1)
            there = (pixels[:, channel] - others).amax(dim=(1, 2)) > 100
            assert torch.equal(there, part.labels[:, channel] == 1)


def test_a_limit_keeps_some_photographs(tmp_path: Path) -> None:
    data = photograph_data(tmp_path, write_photographs(tmp_path), limit=5)
    assert (len(data.train), len(data.test)) == (3, 2)


def test_an_experiment_runs_on_photographs(tmp_path: Path) -> None:
    data = photograph_data(tmp_path, write_photographs(tmp_path))
    result = run(data, keep=0.9)
    assert report_of(result)["source"] == "photographs"
    written = draw_regions(result.model, data.test, result.test_scores, tmp_path)
    assert len(written) == 1 + 1  # four test photographs, one in four of them drawn


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_photographs_are_refused(tmp_path: Path, count: int) -> None:
    table = write_photographs(tmp_path, count)
    with pytest.raises(ValueError, match=r"photographs, got|labels\.csv"):
        photograph_data(tmp_path, table)


def test_a_photograph_that_is_not_there_is_named(tmp_path: Path) -> None:
    table = write_photographs(tmp_path)
    (tmp_path / "5.png").unlink()
    with pytest.raises(ValueError, match=r"5\.png"):
        photograph_data(tmp_path, table)
