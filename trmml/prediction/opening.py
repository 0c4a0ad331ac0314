"""Open a saved model where it should work, or say what is wrong with what was given."""

from pathlib import Path

import torch

from trmml.choices import check_choice
from trmml.encoders import ComputeDtype, Runtime, run_by
from trmml.models import METHODS, ModelOutput, MultiLabelModel, PredictsBy, Task
from trmml.models.hub import find_model
from trmml.models.saved_model import read_saved_model

__all__ = ["choose_device", "find_saved_model", "is_on_the_hub", "open_model"]


def choose_device(name: str | None = None) -> torch.device:
    """Return a device that works: the named one, or a GPU if there is one, otherwise the CPU.

    Args:
        name: Such as "cpu", "cuda:1" or "mps"; None chooses: a GPU of NVIDIA or AMD ("cuda"), then
            that of an Apple processor ("mps"), then the CPU.

    Raises:
        ValueError: If there is no such device.
    """
    if name is None:
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.ones(1, device=device).item()  # "meta" makes tensors, but of no numbers
    except (RuntimeError, AssertionError, NotImplementedError, ImportError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"`device` must be one of this machine, got {name!r}: {reason}") from None
    return device


def is_on_the_hub(path: str | Path) -> bool:
    """Say whether a path is looked for on the Hub: neither it nor the folder around it exists."""
    return not Path(path).parent.exists()


def find_saved_model(path: str | Path) -> Path:
    """Return the folder of a saved model, downloaded if it is on the Hub.

    Args:
        path: As in `open_model`.

    Raises:
        FileNotFoundError: If there is no saved model; names those below the folder.
        ConnectionError: If the Hub refuses.
    """
    folder = find_model(str(path)) if is_on_the_hub(path) else Path(path)
    if not (folder / "model.safetensors").is_file():
        below = [card.parent for card in sorted(folder.glob("*/config.json"))]
        hint = f"; did you mean {' or '.join(map(str, below))}?" if below else ""
        raise FileNotFoundError(f"{folder}: no saved model is there{hint or '; check the path.'}")
    return folder


def open_model(
    path: str | Path,
    *,
    device: str | None = None,
    task: type[Task] | None = None,
    prediction: PredictsBy | None = None,
    dtype: ComputeDtype = "float32",
    runtime: Runtime = "eager",
) -> MultiLabelModel[ModelOutput]:
    """Load a saved model of any method for prediction.

    Args:
        path: Folder that `save_pretrained` wrote; or, where neither it nor the folder around it
            exists, a repository on the Hugging Face Hub such as "user/name".
        device: As in `choose_device`.
        task: Of a method that this library does not bring, see `trmml.models.load_task`.
        prediction: "score" leaves the model's stack away, "stack" insists on one; None predicts
            by the stack where there is one.
        dtype: What its image tower computes in, see `trmml.encoders.compute_in`.
        runtime: What computes its image tower, see `trmml.encoders.run_by`.

    Raises:
        ModuleNotFoundError: If the runtime needs what is not installed.
        FileNotFoundError: If there is no saved model; names those below the folder.
        ValueError: If the method is unknown, a file is damaged, the files do not fit together,
            there is no such device, precision or runtime, or no stack where one is asked for.
        ConnectionError: If the Hub refuses.
    """
    place, folder = choose_device(device), find_saved_model(path)
    card, _ = read_saved_model(folder)
    kind = _model_class(folder, card["method"], task)
    try:
        model = kind.from_pretrained(folder)
    except (RuntimeError, TypeError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{folder}: card and weights do not fit together: {reason}") from error
    _choose_prediction(model, prediction, where=folder)
    model = model.to(place)
    run_by(model.image_encoder, runtime, dtype=dtype, image_size=model.image_size)
    return model


def _model_class(folder: Path, method: str, task: type[Task] | None) -> type[MultiLabelModel]:
    if task is not None and task.Model.Config.method == method:
        return task.Model
    if method not in METHODS:
        other = "" if task is None else f", and {task.__name__} is of {task.Model.Config.method!r}"
        raise ValueError(
            f"{folder}: the model is of the method {method!r}, which is not one of this library's "
            f"({', '.join(METHODS)}){other}; say where it is, as in --task my_file.py:MyTask."
        )
    return METHODS[method].Model


def _choose_prediction(
    model: MultiLabelModel, prediction: PredictsBy | None, *, where: Path
) -> None:
    """Let a model predict by its score alone, or insist on its stack."""
    if prediction is not None:
        check_choice(prediction, PredictsBy, argument="prediction")
    if prediction == "score":
        model.stack = None
    if prediction == "stack" and model.stack is None:
        raise ValueError(
            f"{where}: the model has no stack to predict by; fit one to validation images with "
            "`trmml eval MODEL DATA --calibrate --prediction stack`."
        )
