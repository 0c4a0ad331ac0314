"""What has to hold before methods are compared: all is refused before anything is done."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, Final

import torch

from trmml.models import METHODS
from trmml.training.config.absolute_paths import with_absolute_paths
from trmml.training.config.files import load_run_config
from trmml.training.config.run_config import RunConfig
from trmml.training.loop.acceleration import build_accelerator
from trmml.training.loop.changes import describe_changes, find_changes
from trmml.training.run.comparison_cells import Cell, Contestant, folder_name
from trmml.training.run.data import RunData, open_run_data
from trmml.training.run.data_checks import check_enough, check_present
from trmml.training.run.folder import SETTINGS, RunFolder
from trmml.training.run.held_out_labels import check_selection, check_stack

__all__ = ["check_comparison", "check_contestants"]

MOST_SEEDS: Final = 100
# How images are shown to a method is its own; which they are, and what is known of them, is not.
_SHOWN: Final[dict[str, Any]] = {"image_size": 448, "transform": "tai-dpt", "workers": None}
_CAPTIONS: Final[dict[str, Any]] = {"captions": None, "synonyms": None}


def check_contestants(contestants: Sequence[Contestant], *, seeds: int) -> None:
    """Refuse to compare what would learn from other labels, or be judged by others.

    Args:
        contestants: To be compared.
        seeds: How many.

    Raises:
        ValueError: If there are none, names are not distinct, the settings of the data differ,
            nothing would be judged, or the number of seeds is outside [1, 100].
    """
    if not 1 <= seeds <= MOST_SEEDS:
        raise ValueError(f"`seeds` must be in [1, {MOST_SEEDS}], got {seeds}.")
    if not contestants:
        raise ValueError("`contestants` must be at least one configuration, got none.")
    taken: dict[str, str] = {}
    for config, _ in contestants:
        folder = folder_name(config)
        if not folder.strip("."):
            raise ValueError(f"`name` must be one that a folder can have, got {config.name!r}.")
        if folder.casefold() in taken:
            raise ValueError(
                f"`name` must be another one for each configuration, got {config.name!r} after "
                f"{taken[folder.casefold()]!r}; set `name` in the file of one."
            )
        taken[folder.casefold()] = config.name
    first = contestants[0].config
    if not (first.data.has_test or first.data.validation_share > 0):
        raise ValueError(
            "`data.test_split`, `data.test_path` or `data.validation_share` must give images to "
            "compare on, got none."
        )
    for config, _ in contestants[1:]:
        _check_same_data(first, config)


def check_comparison(cells: Sequence[Cell], reports: Sequence[dict[str, Any] | None]) -> None:
    """Refuse to begin, or to go on, where a run would be refused in the middle.

    Args:
        cells: All runs.
        reports: Of each; None where it is not finished.

    Raises:
        ValueError: If a folder holds a run of other settings or labels, or as `run_training`.
        FileNotFoundError: If an encoder's weights are not there.
    """
    for cell in cells:
        _check_stored(cell)
    found: dict[tuple[int, object], tuple[str, object]] = {}
    judges: dict[tuple[int, object], tuple[object, str]] = {}
    opened: dict[tuple[object, ...], RunData] = {}
    started = set()
    for cell, report in zip(cells, reports, strict=True):
        place = (cell.seed, cell.config.data.keep)
        if not cell.config.data.has_test:
            judged = _open(cell.config, opened).settings()["validation_labels"]
            others, name = judges.setdefault(place, (judged, cell.config.name))
            if judged != others:
                raise ValueError(
                    f"{name} and {cell.config.name} would be judged by other labels: one takes "
                    "unknown labels for negative on the images set aside, and there is no test "
                    "split; give `data.test_split` or `data.test_path`."
                )
        if report is not None:
            checksum = report["labels_sha256"]
        else:
            data = _open(cell.config, opened)
            checksum = data.mask.sha256
            if cell.contestant not in started:
                started.add(cell.contestant)
                _check_start(cell, data)
        if cell.config.model.learns_from == "captions":  # of which the checksum in reports is
            continue
        others, other = found.setdefault(place, (checksum, cell.place))
        if checksum != others:
            raise ValueError(
                f"{cell.place}: other labels are known here than in {other}, so that their figures "
                "do not compare; compare in another folder."
            )


def _check_same_data(first: RunConfig, config: RunConfig) -> None:
    was, now = (
        asdict(replace(with_absolute_paths(one).data, **_SHOWN, **_CAPTIONS))
        for one in (first, config)
    )
    changes = {f"data.{name}": change for name, change in find_changes(was, now).items()}
    if changes:
        raise ValueError(
            f"{first.name} and {config.name} must see the same images and labels: "
            f"{describe_changes(changes)}; set it for all of them, or put the data's configuration "
            "under each (`--base`)."
        )


def _check_stored(cell: Cell) -> None:
    RunFolder(cell.place).check(resume=True)
    path = cell.place / SETTINGS
    if not path.exists():
        return
    stored = load_run_config(path, task=cell.task)
    changes = find_changes(_settings(stored), _settings(cell.config))
    if changes:
        raise ValueError(
            f"{cell.place}: holds a run of other settings: {describe_changes(changes)}; compare in "
            "another folder, or give the configuration another `name`."
        )


def _settings(config: RunConfig) -> dict[str, Any]:
    """Return what decides a run, wherever its files lie."""
    config = with_absolute_paths(config)
    return {
        "data": config.data.settings(),
        "encoder": asdict(config.encoder),
        "model": config.model.as_dict(),
        "recipe": config.recipe.settings(),
        "cache": config.cache.settings(),
        "selection": config.selection,
        "prediction": config.prediction,
    }


def _open(config: RunConfig, opened: dict[tuple[object, ...], RunData]) -> RunData:
    """Open what a run sees, once for all that see the same."""
    data, model = replace(config.data, **_SHOWN), config.model
    negative, uses = model.counts_unknown_as_negative, model.uses_unknown
    captions_for = model.method if model.learns_from == "captions" else None
    key = (repr(data), negative, uses, captions_for)
    if key not in opened:
        opened[key] = open_run_data(
            data,
            mean=None,
            std=None,
            unknown_as_negative=negative,
            uses_unknown=uses,
            captions_for=captions_for,
        )
    return opened[key]


def _check_start(cell: Cell, data: RunData) -> None:
    config = cell.config
    build_accelerator(config.recipe)
    config.model.check_classes(data.class_names)
    check_enough(data)
    if config.selection == "validation":
        check_selection(data)
    if config.prediction == "stack":
        check_stack(data)
    check_present(data)
    size = config.data.image_size
    encoders = config.encoder.load(image_size=size)
    task = cell.task or METHODS[config.model.method]
    task.build(
        encoders,
        data.class_names,
        config=config.model,
        image_size=size,
        generator=torch.Generator().manual_seed(config.recipe.seed),
    )
