"""How long a training took, over all its stops, beside what has to be the same to the last bit."""

from pathlib import Path
from time import perf_counter

from trmml.atomic_write import write_atomically
from trmml.json_text import json_text
from trmml.stored_files import read_json, require_kinds

__all__ = ["TrainingClock", "read_seconds"]


class TrainingClock:
    """Add up the seconds up to each saved state: what is lost with the steps after it never counts.

    Args:
        path: Of the file that keeps them.
        goes_on: Whether a training goes on that was stopped; without a file, nobody knows then how
            long it took.

    Raises:
        ValueError: If the file is damaged.
    """

    def __init__(self, path: Path, *, goes_on: bool) -> None:
        """Take over what was counted, and start."""
        self.path = path
        self._seconds = read_seconds(path) if goes_on else 0.0
        self._since = perf_counter()

    def note(self) -> None:
        """Write how long it took up to now."""
        now = perf_counter()
        if self._seconds is not None:
            self._seconds += now - self._since
        self._since = now
        write_atomically(self.path, json_text({"seconds": self._seconds}) + "\n")


def read_seconds(path: Path) -> float | None:
    """Return how long a training took; None where nobody knows.

    Args:
        path: Of the file that a `TrainingClock` keeps.

    Raises:
        ValueError: If the file is damaged.
    """
    if not path.exists():
        return None
    what, remedy = "the seconds of a training", "delete it, they are only told"
    content = read_json(path, what=what, remedy=remedy)
    require_kinds(content, {"seconds": (float, None)}, where=path, what=what, remedy=remedy)
    return content["seconds"]
