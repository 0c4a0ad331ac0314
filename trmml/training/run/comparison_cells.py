"""The runs of a comparison: each configuration with each seed, and where each one is."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from trmml.data.making_masks import own_seed
from trmml.models import Task
from trmml.stored_files import require_kinds
from trmml.training.config.run_config import RunConfig
from trmml.training.run.sweep import read_report

__all__ = ["Cell", "Contestant", "comparison_cells", "folder_name"]

_REMEDY: Final = "delete it, and the end of its run is done again"


class Contestant(NamedTuple):
    """What takes part in a comparison.

    Attributes:
        config: A run, or the runs of a mean.
        task: As in `run_training`.
    """

    config: RunConfig
    task: type[Task] | None = None


class Cell(NamedTuple):
    """One run of a comparison.

    Attributes:
        contestant: Its place among them.
        seed: From 0.
        config: Of the run alone.
        place: Its folder.
        task: As in `run_training`.
    """

    contestant: int
    seed: int
    config: RunConfig
    place: Path
    task: type[Task] | None

    @property
    def report(self) -> dict[str, Any] | None:
        """What came out; None where the run is not finished.

        Raises:
            ValueError: If the report is damaged.
        """
        path = self.place / "report.json"
        if not path.exists():
            return None
        report = read_report(path)
        kinds = {"labels_sha256": str, "epochs": int}
        require_kinds(report, kinds, where=path, what="the report of a run", remedy=_REMEDY)
        return report


def comparison_cells(contestants: Sequence[Contestant], folder: Path, *, seeds: int) -> list[Cell]:
    """Return every run of a comparison, all of one seed before those of the next.

    Args:
        contestants: In their order.
        folder: Of the comparison.
        seeds: How many.
    """
    return [
        Cell(number, seed, run, place, contestant.task)
        for seed in range(seeds)
        for number, contestant in enumerate(contestants)
        for run, place in _runs(contestant.config, folder, seed)
    ]


def folder_name(config: RunConfig) -> str:
    """Return what the folder of a configuration's runs is called.

    Args:
        config: Whose name may have a folder in it.

    Examples:
        >>> folder_name(RunConfig(name="table1/voc2007-0.1"))
        'table1-voc2007-0.1'
    """
    return config.name.replace("/", "-").replace("\\", "-")


def _runs(config: RunConfig, folder: Path, seed: int) -> Iterator[tuple[RunConfig, Path]]:
    data, recipe = config.data, config.recipe
    first = own_seed(data.protocol) if data.mask_seed is None else data.mask_seed
    config = replace(
        config,
        data=replace(data, mask_seed=first + seed),
        recipe=replace(recipe, seed=recipe.seed + seed),
    )
    place = folder / folder_name(config) / f"seed-{seed}"
    for run in config.runs:
        yield run, place if len(config.runs) == 1 else place / f"keep-{run.data.keep:g}"
