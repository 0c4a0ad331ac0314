"""A run of a method that learns from captions: no image of the training split is opened."""

import json
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.squares_run import CAPTIONS, cached, for_method, outcome, squares_config
from trmml.prediction import open_model
from trmml.training import RunConfig, TrainingStopped, run_training
from trmml.training.run.data import open_run_data
from trmml.training.run.data_checks import check_enough, check_present

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("squares")


@pytest.fixture(scope="module")
def config(root: Path) -> RunConfig:
    found = for_method("tai-dpt", squares_config(root), root)
    recipe = replace(found.recipe, max_lr=3e-2, ema_decay=None)
    return replace(found, recipe=recipe, checkpoint_every=None)


@pytest.fixture(scope="module")
def whole(root: Path, config: RunConfig) -> Path:
    run_training(config, root / "whole")
    return root / "whole"


def with_data(config: RunConfig, **changes: object) -> RunConfig:
    return replace(config, data=replace(config.data, **changes))  # pyright: ignore[reportArgumentType]


def test_it_learns_from_captions_and_is_judged_on_images(whole: Path) -> None:
    records = [json.loads(line) for line in (whole / "metrics.jsonl").read_text().splitlines()]
    assert list(records[0]["losses"]) == ["global", "local", "total"]
    assert records[-1]["losses"]["total"] < records[0]["losses"]["total"]
    report = json.loads((whole / "report.json").read_text())
    assert (report["num_train"], report["learns_from"], report["known_share"]) == (
        30,
        "captions",
        1.0,
    )
    assert report["validation"]["num_images"] == 10
    assert report["test"]["num_images"] == 12
    assert "Trained on 30 captions" in (whole / "report.md").read_text()
    assert open_model(whole / "best").class_names.plain == ["red", "green", "blue"]


def test_no_image_of_the_training_split_need_be_there(
    root: Path, config: RunConfig, whole: Path, tmp_path: Path
) -> None:
    """What is set aside is read; the other images only have to be named."""
    found = open_run_data(config.data, mean=None, std=None, captions_for="tai-dpt")
    assert found.validation is not None
    for path in found.train.paths:
        path.rename(tmp_path / path.name)
    try:
        run_training(config, tmp_path / "run")
    finally:
        for path in found.train.paths:
            (tmp_path / path.name).rename(path)
    assert outcome(tmp_path / "run") == outcome(whole)


@pytest.mark.parametrize("step", [1, 4])
def test_stopped_and_resumed_it_ends_in_the_same_bytes(
    config: RunConfig, whole: Path, tmp_path: Path, step: int
) -> None:
    def interrupt(title: str, done: int, total: int) -> None:
        assert total == 9
        if done == step:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(TrainingStopped):
        run_training(config, tmp_path / "run", progress=interrupt)
    run_training(config, tmp_path / "run", resume=True)
    assert outcome(tmp_path / "run") == outcome(whole)


def test_only_what_is_judged_on_is_cached(root: Path, config: RunConfig, tmp_path: Path) -> None:
    counts = {}

    def count(title: str, done: int, total: int) -> None:
        counts[title] = total

    run_training(replace(config, cache=cached(tmp_path)), tmp_path / "run", progress=count)
    assert counts == {"Caching validation features": 10, "Training": 9}


def test_other_captions_do_not_go_on(config: RunConfig, whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    text = Path(config.data.captions or "").read_text()
    elsewhere = tmp_path / "elsewhere.txt"
    moved = with_data(config, captions=str(elsewhere))
    elsewhere.write_text(text)
    report = (run / "report.json").read_bytes()
    run_training(moved, run, resume=True)
    assert (run / "report.json").read_bytes() == report
    elsewhere.write_text(text.replace("one blue thing", "two blue things"))
    with pytest.raises(ValueError, match=r"the captions are others.*\(`captions`\)"):
        run_training(moved, run, resume=True)


def test_synonyms_are_found_in_captions(config: RunConfig) -> None:
    words = {"red": ("thing",)}
    found = open_run_data(
        replace(config.data, synonyms=words), mean=None, std=None, captions_for="tai-dpt"
    )
    assert found.captions is not None
    row = found.captions.captions.index("one blue thing")
    assert found.captions.labels[row].tolist() == [1, -1, 1]
    assert found.class_names == ("red", "green", "blue")  # prompts are of the names alone


def test_common_words_are_known_unless_a_class_is_given_its_own(
    config: RunConfig, tmp_path: Path
) -> None:
    file = tmp_path / "people.txt"
    file.write_text("a woman\na gentleman\na puppy\n")
    data = replace(config.data, captions=str(file), class_names=("person", "dog", "sunset"))
    found = open_run_data(data, mean=None, std=None, captions_for="tai-dpt").captions
    own = replace(data, synonyms={"person": ("gentleman",)})
    other = open_run_data(own, mean=None, std=None, captions_for="tai-dpt").captions
    assert found is not None
    assert other is not None
    assert found.captions == ("a woman", "a puppy")
    assert other.captions == ("a gentleman", "a puppy")


@pytest.fixture
def no_tower(monkeypatch: pytest.MonkeyPatch, config: RunConfig) -> None:
    monkeypatch.setattr(type(config.encoder), "load", lambda *_, **__: pytest.fail("loaded"))


@pytest.mark.usefixtures("no_tower")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"captions": None}, r"`data.captions` must say where .* 'tai-dpt' learns from, got null"),
        ({"captions": "gone.txt"}, r"gone\.txt: the file does not exist"),
        ({"synonyms": {"read": ("Reds",)}}, r"`synonyms` must be of classes .* got some of 'read'"),
    ],
)
def test_what_is_missing_is_told_before_anything_is_loaded(
    config: RunConfig, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        run_training(with_data(config, **changes), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("no_tower")
def test_captions_for_a_method_that_learns_from_images_are_refused(
    root: Path, config: RunConfig, tmp_path: Path
) -> None:
    images = with_data(squares_config(root), captions=str(root / CAPTIONS))
    with pytest.raises(ValueError, match=r"`data.captions` must be null .* learns from images"):
        run_training(images, tmp_path / "run")


def test_a_single_caption_is_refused(root: Path, config: RunConfig) -> None:
    few = root / "few.txt"
    few.write_text("A red square\nnothing\n")
    data = replace(config.data, captions=str(few))
    found = open_run_data(data, mean=None, std=None, captions_for="tai-dpt")
    check_present(found)
    with pytest.raises(ValueError, match=r"at least 2 captions that name a class, got 1;"):
        check_enough(found)
