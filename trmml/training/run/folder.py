"""What a run leaves behind: settings, surroundings, curves, checkpoints, models and a report."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from trmml.atomic_write import write_atomically
from trmml.data import LabelMask
from trmml.json_text import json_text
from trmml.models import MultiLabelModel
from trmml.training.config.files import dump_run_config
from trmml.training.config.run_config import RunConfig
from trmml.training.loop.history import History
from trmml.training.run.checkpoints import CheckpointStore
from trmml.training.run.report import report_text

__all__ = ["SETTINGS", "RunFolder"]

SETTINGS = "config.yaml"
PACKAGES = ("trmml", "torch", "torchvision", "open_clip_torch", "timm", "numpy", "accelerate")


class RunFolder:
    """The folder of one run.

    | file | holds |
    |---|---|
    | `config.yaml` | every setting, resolved |
    | `environment.json` | versions, device, processes, and the checksum of the known labels |
    | `labels.mask` | which labels are known |
    | `metrics.jsonl` | one line an epoch |
    | `tensorboard/` | the same as curves |
    | `checkpoints/` | the last two states, to go on from |
    | `best/`, `last/` | models for `open_model`: of the selected and of the last epoch |
    | `report.json`, `report.md` | what came out |

    Args:
        path: Of the folder; made if absent.
        writes: Whether this process writes; of several only one does.
    """

    def __init__(self, path: str | os.PathLike[str], *, writes: bool = True) -> None:
        """Note the folder; nothing is touched yet."""
        self.path, self.writes = Path(path), writes
        self.checkpoints = CheckpointStore(self.path / "checkpoints")
        self.best, self.last = self.path / "best", self.path / "last"
        self._settings = self.path / SETTINGS
        self._curves: Any = None

    def check(self, *, resume: bool) -> None:
        """See that the folder can take this run.

        Raises:
            FileExistsError: If a run is there and `resume` is False.
            OSError: If the folder cannot be made or written.
        """
        if self._settings.exists() and not resume:
            raise FileExistsError(
                f"{self.path} already holds a run; go on with it by `resume`, or choose another "
                "folder."
            )
        if self.writes:
            self.path.mkdir(parents=True, exist_ok=True)
            probe = self.path / "writable"
            write_atomically(probe, "")  # before hours of work, not after
            probe.unlink()

    def begin(self, config: RunConfig, mask: LabelMask, *, processes: int) -> None:
        """Write what the run stands on: settings, versions, device, and which labels are known."""
        if not self.writes:
            return
        write_atomically(self._settings, dump_run_config(config))
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

    def note_epoch(self, history: History) -> None:
        """Write all records so far, and draw the last one's curves."""
        if not self.writes or not history.records:
            return
        lines = [json_text(record) for record in history.records]
        write_atomically(self.path / "metrics.jsonl", "\n".join(lines) + "\n")
        record = history.records[-1]
        curves = self._open_curves(record["epoch"])
        for name, value in _numbers(record):
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

    def _write_json(self, name: str, content: dict[str, Any]) -> None:
        write_atomically(self.path / name, json_text(content, indent=2) + "\n")

    def _open_curves(self, epoch: int) -> Any:  # noqa: ANN401 - imported only when needed
        if self._curves is None:
            from torch.utils.tensorboard import SummaryWriter

            # What a killed run had drawn beyond its checkpoint is drawn again.
            self._curves = SummaryWriter(str(self.path / "tensorboard"), purge_step=epoch)
        return self._curves


def _numbers(record: dict[str, Any], prefix: str = "") -> list[tuple[str, float]]:
    """Flatten a record to named numbers."""
    found = []
    for name, value in record.items():
        if isinstance(value, dict):
            found += _numbers(value, f"{prefix}{name}/")
        elif isinstance(value, int | float) and name != "epoch":
            found.append((prefix + name, float(value)))
    return found


def _device_name() -> str:
    if torch.cuda.is_available():
        return f"{torch.cuda.device_count()} x {torch.cuda.get_device_name()}"
    return f"CPU, {os.cpu_count()} cores"
