"""Progress bars for long work."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

__all__ = ["progress_bar"]


class _Rate(ProgressColumn):
    """How many steps a second, so far."""

    def render(self, task: Task) -> Text:
        elapsed = task.finished_time or task.elapsed
        rate = f"{task.completed / elapsed:,.1f}/s" if elapsed and task.completed else ""
        return Text(rate, style="progress.data.speed")


@contextmanager
def progress_bar(title: str, total: int, *, quiet: bool = False) -> Iterator[Callable[[int], None]]:
    """Show a bar on standard error while the block runs; call what it yields to advance."""
    columns = (
        TextColumn("{task.description:<26}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    # A bar that is off ends with an empty line before rich 14.3, unless its console is quiet too.
    console = Console(stderr=True, quiet=quiet)
    # What is printed meanwhile goes where it belongs: rich would send it to standard error.
    with Progress(*columns, console=console, disable=quiet, redirect_stdout=False) as progress:
        task = progress.add_task(title, total=total)
        yield lambda steps: progress.advance(task, steps)
