"""A method of one's own, from the file that `--task` names."""

from trmml.models import Task, load_task

__all__ = ["own_task"]


def own_task(place: str | None) -> type[Task] | None:
    """Return the task that the command line names; None where it names none.

    Args:
        place: As in `load_task`.

    Raises:
        ValueError: As `load_task`, and if the file needs something that is not installed.
    """
    if place is None:
        return None
    try:
        return load_task(place)
    except ModuleNotFoundError as error:  # of the file: not a fault of this program
        raise ValueError(f"`--task` {place}: {error}.") from error
