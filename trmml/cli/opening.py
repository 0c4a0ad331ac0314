"""Open the model that a command was given."""

from pathlib import Path

from trmml.models import MultiLabelModel, PredictsBy, load_task
from trmml.prediction import open_model

__all__ = ["opened"]


def opened(
    model: str | Path,
    *,
    device: str | None,
    task: str | None,
    prediction: PredictsBy | None = None,
) -> MultiLabelModel:
    """Load a saved model of this library's methods, or of one's own method in a file.

    Args:
        model: As in `open_model`.
        device: As in `choose_device`.
        task: As in `load_task`, which is called first; None knows this library's methods alone.
        prediction: As in `open_model`.

    Raises:
        ValueError: As `open_model` and `load_task`.
        FileNotFoundError: As `open_model`.
        ConnectionError: As `open_model`.
    """
    own = None if task is None else load_task(task)
    return open_model(model, device=device, task=own, prediction=prediction)
