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
    root = tmp_path / "root"
    shutil.copytree(stopped, root)
    before = outcome(root / "run")
    other = change(root, config_of(root))
    with pytest.raises(ValueError, match="The checkpoint is of another training: ") as refused:
        run_training(other, root / "run", resume=True)
    assert f"`{named}`" in str(refused.value)
    assert outcome(root / "run") == before


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
