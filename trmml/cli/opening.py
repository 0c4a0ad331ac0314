"""Open the model that a command was given."""

from pathlib import Path

from trmml.cli.messages import note
from trmml.cli.own_task import own_task
from trmml.encoders import ComputeDtype, Runtime, run_by
from trmml.models import MultiLabelModel, PredictsBy
from trmml.prediction import open_model

__all__ = ["opened"]


def opened(
    model: str | Path,
    *,
    device: str | None,
    task: str | None,
    prediction: PredictsBy | None = None,
    dtype: ComputeDtype = "float32",
    runtime: Runtime = "eager",
    quiet: bool = True,
) -> MultiLabelModel:
    """Load a saved model of this library's methods, or of one's own, and say what it computes in.

    Args:
        model: As in `open_model`.
        device: As in `choose_device`.
        task: As in `own_task`, which is called first; None knows this library's methods alone.
        prediction: As in `open_model`.
        dtype: As in `open_model`.
        runtime: As in `open_model`.
        quiet: Whether to say nothing.

    Raises:
        ValueError: As `open_model` and `own_task`.
        FileNotFoundError: As `open_model`.
        ConnectionError: As `open_model`.
    """
    found = open_model(model, device=device, task=own_task(task), prediction=prediction)
    if runtime == "onnx":
        note("Writing the image tower as a graph of ONNX; this takes a while.", quiet=quiet)
    computing = run_by(found.image_encoder, runtime, dtype=dtype, image_size=found.image_size)
    note(f"Computing in {computing}.", quiet=quiet)
    return found
