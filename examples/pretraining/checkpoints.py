"""Checkpoints that a stop at any moment leaves whole."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

__all__ = ["load_checkpoint", "save_checkpoint", "write_atomically"]


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all."""
    part = path.with_suffix(path.suffix + ".part")
    part.write_bytes(content)
    part.replace(path)


def save_checkpoint(
    folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, step: int
) -> None:
    """Save the model and the optimizer's state; the step is named last, so it is never ahead."""
    tensors = {f"model.{k}": v.contiguous() for k, v in model.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{k}": v.contiguous() for k, v in state.items()}
    file = folder / f"checkpoint-{step}.safetensors"
    save_file(tensors, file)
    write_atomically(
        folder / "checkpoint.json", json.dumps({"step": step, "file": file.name}).encode()
    )
    for old in folder.glob("checkpoint-*.safetensors"):
        if old != file:
            old.unlink()


def load_checkpoint(folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Take up the last checkpoint, if there is one; return the steps done."""
    if not (folder / "checkpoint.json").exists():
        return 0
    card = json.loads((folder / "checkpoint.json").read_text())
    tensors = load_file(folder / card["file"])
    model.load_state_dict({k[6:]: v for k, v in tensors.items() if k.startswith("model.")})
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimizer."):
            _, index, name = key.split(".")
            state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    return card["step"]
