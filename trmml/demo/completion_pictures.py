"""Pictures of the labels that the demo's trainings added."""

from pathlib import Path
from typing import Any

from trmml.demo.report import METHODS
from trmml.prediction.picture_files import write_picture
from trmml.training.run.completion_pictures import draw_added, draw_promise

__all__ = ["draw_completion"]


def draw_completion(report: dict[str, Any], directory: Path) -> list[Path]:
    """Draw the labels added in each epoch, and what was promised of them beside what is so.

    Args:
        report: Of `run_experiment`.
        directory: Folder to write `labels_added.png` into and, if the calibration had labels to
            learn from, `reliability.png`.

    Returns:
        The files written.
    """
    completion = report["completion"]
    series = {METHODS[name]: found["by_epoch"] for name, found in completion.items()}
    pictures = {"labels_added.png": draw_added(series)}
    for found in completion.values():
        if found["reliability"] is not None:
            shown = draw_promise(found["reliability"], found["selected"])
            pictures["reliability.png"] = shown
    (directory / "reliability.png").unlink(missing_ok=True)  # it may be of an earlier demo
    for name, picture in pictures.items():
        write_picture(picture, directory / name)
    return [directory / name for name in pictures]
