"""What a run leaves behind: settings, surroundings, curves, checkpoints, models and a report."""

import logging
import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from trmml.atomic_write import write_atomically
from trmml.data import LabelMask
from trmml.json_text import json_text
from trmml.models import MultiLabelModel
from trmml.models.saved_model import CARD, WEIGHTS
from trmml.stored_files import parse_json
from trmml.training.config.absolute_paths import with_absolute_paths
from trmml.training.config.files import dump_run_config
from trmml.training.config.run_config import RunConfig
from trmml.training.loop.changes import Change, describe_changes
from trmml.training.loop.history import History
from trmml.training.loop.state import RunState
from trmml.training.run.checkpoints import CheckpointStore
from trmml.training.run.completion_pictures import write_completion_pictures
from trmml.training.run.report import report_text
from trmml.training.run.report_page import write_report_page

__all__ = ["SETTINGS", "TIMING", "RunFolder", "named_numbers"]

_LOGGER = logging.getLogger(__name__)
SETTINGS, TIMING, LOCK = "config.yaml", "timing.json", ".lock"
MODEL_FILES = (WEIGHTS, CARD)
PACKAGES = ("trmml", "torch", "torchvision", "open_clip_torch", "timm", "numpy", "accelerate")


class RunFolder:
    """The folder of one run.

    | file | holds |
    |---|---|
    | `config.yaml` | every setting, resolved, with absolute paths |
    | `environment.json` | versions, device, processes, and the checksum of the known labels |
    | `labels.mask` | which labels are known |
    | `metrics.jsonl` | one line an epoch |
    | `tensorboard/` | the same as curves |
    | `checkpoints/` | the last two states, to go on from |
    | `checkpoint.json` | the newest of them: that there was one is known when all are gone |
    | `best/`, `last/` | models for `open_model`: of the selected and of the last epoch |
    | `timing.json` | how many seconds the training took |
    | `changes.jsonl` | what changed between stop and resumption, if anything did |
    | `report.json`, `report.md`, `report.html` | what came out; the page opens without a network |
    | `labels_added.png` | labels that training added, epoch by epoch, if it added any |
    | `reliability.png` | what was promised of them, and what is so, where the truth is known |
    | `.lock` | held by the process that writes; one that has died holds nothing |

    Args:
        path: Of the folder; made if absent.
        writes: Whether this process writes; of several only one does.
    """

    def __init__(self, path: str | os.PathLike[str], *, writes: bool = True) -> None:
        """Note the folder; nothing is touched yet."""
        self.path, self.writes = Path(path), writes
        self.checkpoints = CheckpointStore(self.path / "checkpoints")
        self.best, self.last = self.path / "best", self.path / "last"
        self.timing = self.path / TIMING
        self._settings = self.path / SETTINGS
        self._changes = self.path / "changes.jsonl"
        self._newest = self.path / "checkpoint.json"
        self._curves: Any = None

    def check(self, *, resume: bool) -> None:
        """See that the folder can take this run; nothing is touched.

        Raises:
            FileExistsError: If a run is there and `resume` is False.
            ValueError: If the path is no folder.
        """
        if self.path.exists() and not self.path.is_dir():
            raise ValueError(f"{self.path}: this is no folder; choose another name for the run's.")
        if self._settings.exists() and not resume:
            raise FileExistsError(
                f"{self.path} already holds a run; go on with it by `resume`, or choose another "
                "folder."
            )

    @contextmanager
    def claimed(self, *, resume: bool) -> Iterator[None]:
        """Hold the folder for this run alone; a run that ends before it began leaves no folder.

        The lock is the system's: a process that dies, however it dies, holds it no longer.

        Raises:
            FileExistsError: If another run is under way there, or as `check`.
            OSError: If the folder cannot be made or written.
        """
        if not self.writes:
            self.check(resume=resume)
            yield
            return
        from filelock import FileLock, Timeout

        made = _made(self.path)
        lock = FileLock(self.path / LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise FileExistsError(
                f"{self.path}: another run is under way in this folder; wait for its end, or "
                "choose another folder."
            ) from None
        try:
            self.check(resume=resume)  # again: what was free a moment ago may hold a run by now
            probe = self.path / "writable"
            write_atomically(probe, "")  # before hours of work, not after
            probe.unlink()
            yield
        finally:
            if not self._settings.exists():
                (self.path / LOCK).unlink(missing_ok=True)
                with suppress(OSError):  # a folder with something in it stays
                    for folder in made:
                        folder.rmdir()
            lock.release()

    def load_state(self, *, selects: bool) -> RunState | None:
        """Return the newest whole state; None if the run ended before its first one.

        Args:
            selects: Whether the best epoch's model has to be there too.

        Raises:
            ValueError: If there were states and none is left or whole, or the best model is gone.
        """
        state = self.checkpoints.load()
        if state is None and self._newest.exists():
            raise ValueError(
                f"{self.checkpoints.folder}: the checkpoints of this run are gone, so it cannot go "
                "on; put them back, or start again in another folder."
            )
        if state is None or state.plain.get("forerunner"):  # there was no model to keep yet
            return state
        history = state.plain.get("history")
        if selects and isinstance(history, dict) and history.get("records"):
            missing = [name for name in MODEL_FILES if not (self.best / name).is_file()]
            if missing:
                raise ValueError(
                    f"{self.best / missing[0]}: the best model so far is gone, and nothing "
                    "could be tested at the end; put it back, or start again in another folder."
                )
        return state

    def save_state(self, state: RunState, *, step: int) -> None:
        """Keep a state to go on from.

        Raises:
            OSError: As `CheckpointStore.save`.
        """
        if self.writes:
            path = self.checkpoints.save(state, step=step)
            self._write_json(self._newest.name, {"newest": path.name})

    def begin(self, config: RunConfig, mask: LabelMask, *, processes: int) -> None:
        """Write what the run stands on: settings, versions, device, and which labels are known."""
        if not self.writes:
            return
        write_atomically(self._settings, dump_run_config(with_absolute_paths(config)))
        mask.save(self.path / "labels.mask")
        self._write_json("environment.json", {
            "versions": {name: version(name) for name in PACKAGES},
            "python": platform.python_version(),
            "platform": platform.platform(),
            "device": _device_name(),
            "processes": processes,
            "threads": torch.get_num_threads(),
            "labels_sha256": mask.sha256,
        })  # fmt: skip

    def changes(self) -> list[dict[str, Any]]:
        """Return the changes that the run went on with, each with the step it was at."""
        if not self._changes.is_file():
            return []
        lines = self._changes.read_text(encoding="utf-8").splitlines()
        return [parse_json(line, where=self._changes, what="a record of changes") for line in lines]

    def note_changes(self, changes: dict[str, Change], *, position: Sequence[int]) -> None:
        """Record what differs from here on, and say so in the log."""
        _LOGGER.warning("going on with changes: %s", describe_changes(changes))
        if not self.writes:
            return
        epoch, step = position
        told = {name: change._asdict() for name, change in changes.items()}
        records = [*self.changes(), {"epoch": epoch, "step": step, "changes": told}]
        write_atomically(self._changes, "".join(json_text(one) + "\n" for one in records))

    def note_epoch(self, history: History) -> None:
        """Write all records so far, and draw the last one's curves."""
        if not self.writes or not history.records:
            return
        lines = [json_text(record) for record in history.records]
        write_atomically(self.path / "metrics.jsonl", "\n".join(lines) + "\n")
        record = history.records[-1]
        curves = self._open_curves(record["epoch"])
        for name, value in named_numbers(record):
            curves.add_scalar(name, value, record["epoch"])
        curves.flush()

    def finish(self, model: MultiLabelModel, selected: Path, report: dict[str, Any]) -> None:
        """Write the final figures, for programs and for people, and the model's thresholds."""
        if self._curves is not None:
            self._curves.close()
            self._curves = None
        if self.writes:
            model.save_pretrained(selected, training_state=True)
            self._write_json("report.json", report)
            write_atomically(self.path / "report.md", report_text(report))
            write_report_page(self.path)
            if report.get("completed") is not None:
                write_completion_pictures(report["completed"], self.path)

    def _write_json(self, name: str, content: dict[str, Any]) -> None:
        write_atomically(self.path / name, json_text(content, indent=2) + "\n")

    def _open_curves(self, epoch: int) -> Any:  # noqa: ANN401 - imported only when needed
        if self._curves is None:
            from torch.utils.tensorboard import SummaryWriter

            # What a killed run had drawn beyond its checkpoint is drawn again.
            self._curves = SummaryWriter(str(self.path / "tensorboard"), purge_step=epoch)
        return self._curves


def _made(folder: Path) -> list[Path]:
    """Make a folder, and return what was not there before, the innermost first."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def named_numbers(record: dict[str, Any], prefix: str = "") -> list[tuple[str, float]]:
    """Flatten the record of an epoch to named numbers, without that of the epoch."""
    found = []
    for name, value in record.items():
        if isinstance(value, dict):
            found += named_numbers(value, f"{prefix}{name}/")
        elif isinstance(value, int | float) and name != "epoch":
            found.append((prefix + name, float(value)))
    return found


def _device_name() -> str:
    if torch.cuda.is_available():
        return f"{torch.cuda.device_count()} x {torch.cuda.get_device_name()}"
    return f"CPU, {os.cpu_count()} cores"
