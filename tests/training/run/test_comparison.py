import json
import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from tests.training.squares_run import squares_config
from trmml.data import LabelMask
from trmml.models import METHODS, TRMMLConfig, load_task
from trmml.training import (
    Contestant,
    DataConfig,
    Recipe,
    RunConfig,
    TrainingStopped,
    run_comparison,
)
from trmml.training.run.callbacks import RunCallbacks
from trmml.training.run.comparison_report import Outcome, compared, comparison_rows

FAST = Recipe(epochs=1, batch_size=12)
EXAMPLE = Path(__file__).parents[3] / "examples" / "own_method.py"


def entrant(root: Path, method: str, **changes: Any) -> Contestant:  # noqa: ANN401
    config = squares_config(root, name=method, model=METHODS[method].Model.Config(), recipe=FAST)
    return Contestant(replace(config, **changes))


def two(root: Path) -> list[Contestant]:
    return [entrant(root, "zero-shot"), entrant(root, "dualcoop")]


def files(folder: Path) -> dict[str, bytes]:
    """Return what has to be the same however often a comparison was stopped."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.name in ("report.json", "metrics.jsonl", "labels.mask", "model.safetensors")
    }


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("comparison")


@pytest.fixture(scope="module")
def whole(root: Path) -> Path:
    run_comparison(two(root), root / "whole", seeds=2)
    return root / "whole"


def test_every_run_is_a_run_and_the_figures_are_theirs(whole: Path) -> None:
    found = json.loads((whole / "comparison.json").read_text())
    for one in found["contestants"]:
        figures = [
            json.loads((whole / one["name"] / f"seed-{seed}" / "report.json").read_text())["test"]
            for seed in (0, 1)
        ]
        assert one["figures"] == [figure["mean_average_precision"] for figure in figures]
        assert one["mean"] == pytest.approx(statistics.mean(one["figures"]))
        assert one["deviation"] == pytest.approx(statistics.stdev(one["figures"]))
        assert one["seconds_per_epoch"] > 0
    first, second = found["contestants"]
    assert first["difference"] is None
    assert second["difference"]["mean"] == pytest.approx(second["mean"] - first["mean"])
    text = (whole / "comparison.md").read_text()
    assert "| dualcoop | dualcoop |" in text
    assert "other labels are hidden, the same ones for everybody" in text
    with Image.open(whole / "comparison.png") as picture:
        assert picture.width > 500


def test_a_seed_hides_the_same_labels_of_everybody_and_others_than_the_next(whole: Path) -> None:
    known = {
        (name, seed): LabelMask.load(whole / name / f"seed-{seed}" / "labels.mask").known
        for name in ("zero-shot", "dualcoop")
        for seed in (0, 1)
    }
    for seed in (0, 1):
        assert (known["zero-shot", seed] == known["dualcoop", seed]).all()
    assert (known["dualcoop", 0] != known["dualcoop", 1]).any()


def test_what_is_finished_is_taken_over_and_more_is_added(
    root: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, trained = files(whole), []
    found = run_comparison(
        [*two(root), entrant(root, "coop")],
        whole,
        seeds=2,
        on_run=lambda cell: trained.append((cell.config.name, cell.seed)),
    )
    assert trained == [("coop", 0), ("coop", 1)]
    assert before.items() <= files(whole).items()
    assert [one["name"] for one in found["contestants"]] == ["zero-shot", "dualcoop", "coop"]

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("nothing is left to do")

    monkeypatch.setattr("trmml.training.run.comparison.run_training", refuse)
    assert run_comparison(two(root), whole, seeds=2)["contestants"] == found["contestants"][:2]


def test_a_stop_loses_nothing(
    root: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    after_step, steps = RunCallbacks.after_step, []

    def stop_once(self: RunCallbacks, *given: Any) -> None:  # noqa: ANN401
        steps.append(given)
        if len(steps) == 4:  # within the second contestant's run with the first seed
            self.request.signal = 2
        after_step(self, *given)

    monkeypatch.setattr(RunCallbacks, "after_step", stop_once)
    with pytest.raises(TrainingStopped):
        run_comparison(two(root), tmp_path / "stopped", seeds=2)
    assert not (tmp_path / "stopped" / "comparison.json").exists()
    run_comparison(two(root), tmp_path / "stopped", seeds=2)
    expected = {name: text for name, text in files(whole).items() if not name.startswith("coop")}
    assert files(tmp_path / "stopped") == expected


def test_a_mean_over_shares_is_one_figure_a_seed(root: Path, tmp_path: Path) -> None:
    zero = entrant(root, "zero-shot")
    shares = replace(zero.config.data, keep=(0.5, 0.9))
    found = run_comparison(
        [Contestant(replace(zero.config, data=shares, name="table/mean"))], tmp_path / "c", seeds=1
    )
    place = tmp_path / "c" / "table-mean" / "seed-0"
    figures = [
        json.loads((place / f"keep-{keep}" / "report.json").read_text())["test"]
        for keep in (0.5, 0.9)
    ]
    (one,) = found["contestants"]
    assert one["mean"] == pytest.approx(sum(f["mean_average_precision"] for f in figures) / 2)
    assert one["deviation"] is None
    assert one["difference"] is None


def test_a_method_of_one_s_own_takes_part(root: Path, tmp_path: Path) -> None:
    task = load_task(f"{EXAMPLE}:LinearHeadTask")
    own = squares_config(root, name="own", model=task.Model.Config(), recipe=FAST)
    found = run_comparison(
        [entrant(root, "zero-shot"), Contestant(own, task)], tmp_path / "c", seeds=1
    )
    assert found["contestants"][1]["method"] == "linear-head"
    again = run_comparison(
        [entrant(root, "zero-shot"), Contestant(own, task)], tmp_path / "c", seeds=1
    )
    assert again == found


def refused(contestants: Sequence[Contestant], folder: Path, words: str, **options: Any) -> None:  # noqa: ANN401
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    with pytest.raises((ValueError, FileNotFoundError), match=words):
        run_comparison(contestants, folder, **{"seeds": 1, **options})
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_what_cannot_be_compared_is_refused_before_anything_is_written(
    root: Path, whole: Path, tmp_path: Path
) -> None:
    zero, dual = two(root)
    path = tmp_path / "new"
    refused([], path, "`contestants` must be at least one")
    refused([zero, zero], path, "another one for each configuration, got 'zero-shot'")
    refused([Contestant(replace(zero.config, name=".."))], path, "a folder can have, got '..'")
    for seeds in (0, 101):
        refused([zero], path, r"`seeds` must be in \[1, 100\]", seeds=seeds)
    less = Contestant(replace(dual.config, data=replace(dual.config.data, keep=0.4)))
    refused([zero, less], path, "same images and labels: `data.keep` was 0.5, is 0.4")
    nothing = replace(zero.config.data, test_path=None, validation_share=0.0)
    bare = Contestant(replace(zero.config, data=nothing, selection="last"))
    refused([bare], path, "must give images to compare on")
    lost = Contestant(replace(zero.config, encoder=replace(zero.config.encoder, pretrained="no")))
    refused([zero._replace(config=dual.config), lost], path, "must be a file with its card")
    assert not path.exists()
    longer = Contestant(replace(dual.config, recipe=replace(FAST, epochs=2)))
    refused([zero, longer], whole, "a run of other settings: `recipe.epochs` was 1, is 2", seeds=2)


def test_who_takes_unknown_for_negative_is_judged_alike_only_by_a_test_split(root: Path) -> None:
    other = entrant(root, "trmml", model=TRMMLConfig(unknown_as_negative=True))
    untested = [
        Contestant(replace(one.config, data=replace(one.config.data, test_path=None)))
        for one in (entrant(root, "zero-shot"), other)
    ]
    refused(untested, root / "untested", "judged by other labels")


def test_other_labels_than_in_what_is_finished_are_refused(
    root: Path, whole: Path, tmp_path: Path
) -> None:
    report = whole / "zero-shot" / "seed-0" / "report.json"
    text = report.read_text()
    report.write_text(text.replace(json.loads(text)["labels_sha256"], "0" * 64))
    refused(two(root), whole, "other labels are known here than in", seeds=1)
    report.write_text("{")
    refused(two(root), whole, "the report of a run", seeds=1)
    report.write_text(text)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (DataConfig(keep=0.1), "other labels are hidden"),
        (DataConfig(protocol="spml"), "other labels are hidden"),
        (DataConfig(label_file="a.mask"), "The same labels are known with every seed"),
        (DataConfig(), "The same labels are known with every seed"),
    ],
)
def test_it_says_whether_seeds_hide_other_labels(
    data: DataConfig, words: str, tmp_path: Path
) -> None:
    from trmml.training.run.comparison_report import write_comparison

    found = compared([RunConfig(data=data)], [Outcome(0, 0, 0.5, None)])
    write_comparison(found, tmp_path)
    assert words in (tmp_path / "comparison.md").read_text()


def test_a_missing_figure_leaves_no_mean_that_others_cannot_be_held_to() -> None:
    configs = [RunConfig(name="a"), RunConfig(name="b", data=DataConfig(image_size=224))]
    outcomes = [
        Outcome(0, 0, 0.5, 1.0),
        Outcome(0, 1, None, 2.0),
        Outcome(1, 0, 0.6, None),
        Outcome(1, 1, 0.8, None),
    ]
    found = compared(configs, outcomes)
    a, b = found["contestants"]
    assert (a["mean"], a["deviation"], a["seconds_per_epoch"]) == (None, None, 1.5)
    assert (b["mean"], b["seconds_per_epoch"]) == (pytest.approx(0.7), None)
    assert b["difference"] == {"mean": None, "deviation": None}
    assert b["other_settings"] == {"data.image_size": [448, 224]}
    assert comparison_rows(found)[0] == ("a", "trmml", "-", "-", "-", "-", "1.5")
    deviation = torch.tensor([0.6, 0.8]).std().item()
    assert b["deviation"] == pytest.approx(deviation)
