"""What a refused resumption leaves: everything as it was."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.squares_run import cached, outcome, squares_config
from trmml.training import Recipe, RunConfig, load_run_config, run_training

pytestmark = pytest.mark.slow

Change = Callable[[Path, RunConfig], RunConfig]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pictures, and a run of one epoch on them."""
    root = tmp_path_factory.mktemp("stopped")
    run_training(config_of(root), root / "run")
    return root


def config_of(root: Path) -> RunConfig:
    return squares_config(root, recipe=Recipe(epochs=1, batch_size=12, max_lr=4e-3))


def of_data(**changes: object) -> Change:
    def change(_: Path, config: RunConfig) -> RunConfig:
        return replace(config, data=replace(config.data, **changes))  # pyright: ignore

    return change


def flip_the_labels(root: Path, config: RunConfig) -> RunConfig:
    table = root / "train" / "labels.csv"
    head, *rows = table.read_text().splitlines()
    flip = str.maketrans("01", "10")
    flipped = [f"{name},{cells.translate(flip)}" for name, _, cells in map(_halves, rows)]
    table.write_text("\n".join([head, *flipped]) + "\n")
    return config


def _halves(row: str) -> tuple[str, str, str]:
    return row.partition(",")


def rename_an_image(root: Path, config: RunConfig) -> RunConfig:
    table, photos = root / "train" / "labels.csv", root / "train" / "photos"
    (photos / "0003.png").rename(photos / "renamed.png")
    table.write_text(table.read_text().replace("0003.png", "renamed.png"))
    return config


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (flip_the_labels, "labels"),
        (rename_an_image, "image_list"),
        (of_data(mask_seed=5), "data.mask_seed"),
        (of_data(keep=0.7), "data.keep"),
        (of_data(validation_seed=1), "data.validation_seed"),
        (of_data(transform="asl"), "data.transform"),
        (of_data(image_size=96), "data.image_size"),
        (lambda root, config: replace(config, cache=cached(root)), "cache.cached"),
        (lambda _, config: replace(config, selection="last"), "selection"),
    ],
)
def test_other_data_do_not_go_on_and_nothing_is_written(
    stopped: Path, tmp_path: Path, change: Change, named: str
) -> None:
    assert f"`{named}`" in refusal(stopped, tmp_path, change, accept_changes=False)


def refusal(stopped: Path, tmp_path: Path, change: Change, *, accept_changes: bool) -> str:
    """Go on with a copy of the run after a change; return why not, when nothing was written."""
    root = tmp_path / "root"
    shutil.copytree(stopped, root)
    before = outcome(root / "run")
    other = change(root, config_of(root))
    with pytest.raises(ValueError, match="The checkpoint is of another training: ") as refused:
        run_training(other, root / "run", resume=True, accept_changes=accept_changes)
    assert outcome(root / "run") == before
    return str(refused.value)


def test_after_a_refusal_the_run_goes_on_as_it_was(stopped: Path, tmp_path: Path) -> None:
    """A refused one wrote its settings once, which the next, without any, then followed."""
    root = tmp_path / "root"
    shutil.copytree(stopped, root)
    other = of_data(mask_seed=5)(root, config_of(root))
    with pytest.raises(ValueError, match="of another training"):
        run_training(other, root / "run", resume=True)
    kept = load_run_config(root / "run" / "config.yaml")
    assert kept.data.mask_seed is None
    run_training(config_of(root), root / "run", resume=True)


def test_where_the_files_lie_may_change(stopped: Path, tmp_path: Path) -> None:
    root = tmp_path / "moved"
    shutil.copytree(stopped, root)
    config = squares_config(root, recipe=config_of(root).recipe)
    assert config.data.path != config_of(stopped).data.path
    run_training(config, root / "run", resume=True)


@pytest.mark.parametrize("change", [flip_the_labels, rename_an_image, of_data(transform="asl")])
def test_knowingly_a_run_goes_on_with_other_data_and_records_it(
    stopped: Path, tmp_path: Path, change: Change, caplog: pytest.LogCaptureFixture
) -> None:
    root = tmp_path / "root"
    shutil.copytree(stopped, root)
    other = change(root, config_of(root))
    with pytest.raises(ValueError, match="--resume-with-changes"):
        run_training(other, root / "run", resume=True)
    report = run_training(other, root / "run", resume=True, accept_changes=True)
    (record,) = report["changes"]
    assert (record["epoch"], record["step"]) == (1, 0)
    assert record["changes"]
    assert all(was != now for was, now in map(dict.values, record["changes"].values()))
    assert "going on with changes: " in caplog.text
    assert "went on with changes" in (root / "run" / "report.md").read_text()
    # From now on these are the run's data.
    assert run_training(other, root / "run", resume=True)["changes"] == [record]


def test_a_run_that_was_given_relative_paths_goes_on_from_elsewhere(
    stopped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    shutil.copytree(stopped, root, ignore=shutil.ignore_patterns("run"))
    elsewhere.mkdir()
    monkeypatch.chdir(root)
    config = config_of(Path())
    assert not Path(config.data.path or "/").is_absolute()
    run_training(config, "run")
    monkeypatch.chdir(elsewhere)
    kept = load_run_config(root / "run" / "config.yaml")
    assert Path(kept.data.path or "") == root / (config.data.path or "")
    run_training(kept, root / "run", resume=True)
    assert not any(elsewhere.iterdir())


def more_epochs(_: Path, config: RunConfig) -> RunConfig:
    return replace(config, recipe=replace(config.recipe, epochs=2))


def drop_an_image(root: Path, config: RunConfig) -> RunConfig:
    table = root / "train" / "labels.csv"
    table.write_text("\n".join(table.read_text().splitlines()[:-1]) + "\n")
    return config


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (more_epochs, "`recipe.epochs` was 1, is 2"),
        (drop_an_image, "`images` was "),
        (of_data(class_names=("red", "blue", "green")), "`data.class_names` was None"),
    ],
)
def test_what_a_state_is_made_of_never_changes(
    stopped: Path, tmp_path: Path, change: Change, named: str
) -> None:
    said = refusal(stopped, tmp_path, change, accept_changes=True)
    assert named in said
    assert "--resume-with-changes" not in said
