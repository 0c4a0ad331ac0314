"""Open a saved model where it should work, or say what is wrong with what was given."""

from pathlib import Path

import torch

from trmml.models import TRMML
from trmml.models.hub import find_model

__all__ = ["choose_device", "open_model"]


def choose_device(name: str | None = None) -> torch.device:
    """Return a device that works: the named one, or a GPU if there is one, otherwise the CPU.

    Args:
        name: Such as "cpu", "cuda:1" or "mps"; None chooses.

    Raises:
        ValueError: If there is no such device.
    """
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"`device` must be one of this machine, got {name!r}: {reason}") from None
    return device


def open_model(path: str | Path, *, device: str | None = None) -> TRMML:
    """Load a saved model for prediction.

    Args:
        path: Folder that `TRMML.save_pretrained` wrote; or, where neither it nor the folder around
            it exists, a repository on the Hugging Face Hub such as "user/name".
        device: As in `choose_device`.

    Raises:
        FileNotFoundError: If there is no saved model; names those below the folder.
        ValueError: If a file is damaged, the files do not fit together, or there is no such
            device.
        ConnectionError: If the Hub refuses.
    """
    path, place = Path(path), choose_device(device)
    if not path.parent.exists():
        path = find_model(str(path))
    if not (path / "model.safetensors").is_file():
        below = [card.parent for card in sorted(path.glob("*/config.json"))]
        hint = f"; did you mean {' or '.join(map(str, below))}?" if below else ""
        raise FileNotFoundError(f"{path}: no saved model is there{hint or '; check the path.'}")
    try:
        model = TRMML.from_pretrained(path)
    except (RuntimeError, TypeError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{path}: card and weights do not fit together: {reason}") from error
    return model.to(place)
