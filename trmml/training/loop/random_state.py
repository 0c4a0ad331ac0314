"""The state of the global random generators, as a checkpoint can keep it."""

import random
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["random_state", "restore_random_state"]


def random_state() -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return torch's generators as tensors, Python's and NumPy's as plain values.

    Order and augmentation do not depend on them: they are for what a user's own model draws.
    """
    tensors = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        tensors["cuda"] = torch.cuda.get_rng_state()
    numpy_state: Any = np.random.get_state(legacy=False)
    inner = {"key": numpy_state["state"]["key"].tolist(), "pos": int(numpy_state["state"]["pos"])}
    version, words, gauss = random.getstate()
    return tensors, {
        "python": [version, list(words), gauss],
        "numpy": {**numpy_state, "state": inner, "gauss": float(numpy_state["gauss"])},
    }


def restore_random_state(tensors: dict[str, Tensor], plain: dict[str, Any]) -> None:
    """Set the generators to what `random_state` returned."""
    torch.set_rng_state(tensors["cpu"])
    if "cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["cuda"])
    version, words, gauss = plain["python"]
    random.setstate((version, tuple(words), gauss))
    inner = plain["numpy"]["state"]
    key = np.array(inner["key"], dtype=np.uint32)
    np.random.set_state({**plain["numpy"], "state": {**inner, "key": key}})
