"""Checkpoints that survive any stop: whole or not there, proven, and never the only one."""

import hashlib
import json
import logging
import os
import re
from pathlib import Path

from trmml.atomic_write import write_atomically
from trmml.training.loop.state import RunState

__all__ = ["CheckpointStore"]

_LOGGER = logging.getLogger(__name__)
_NAME = re.compile(r"step-(\d{8})-([0-9a-f]{16})\.safetensors")
KEPT = 2
METADATA = "trmml"


class CheckpointStore:
    """Keep the last two states of a run in a folder.

    A checkpoint is one safetensors file, named after its step and its checksum. It is written
    under another name, flushed to the disk, renamed, and read back; only then the oldest goes. So a
    stop at any moment, or a full disk, leaves at least the state before.

    Args:
        folder: Where to keep them; made at the first save.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Note the folder; nothing is read or written yet."""
        self.folder = Path(folder)

    def save(self, state: RunState, *, step: int) -> Path:
        """Write a state, prove it, and drop what is older than the one before.

        Raises:
            OSError: If the disk is full or the folder cannot be written; what was there stays.
        """
        from safetensors.torch import save

        metadata = {METADATA: json.dumps(state.plain)}
        tensors = {name: value.detach().cpu().contiguous() for name, value in state.tensors.items()}
        content = save(tensors, metadata)
        path = self.folder / f"step-{step:08d}-{_digest(content)}.safetensors"
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
        _flush_folder(self.folder)
        if not _is_whole(path):
            raise OSError(
                f"{path} does not read back as it was written; check the disk. The checkpoint "
                "before it is kept."
            )
        for old in [*self.paths()[KEPT:], *self.folder.glob("*.partial")]:
            old.unlink(missing_ok=True)
        return path

    def paths(self) -> list[Path]:
        """Return the checkpoints there are, newest first."""
        found = [path for path in self.folder.glob("step-*") if _NAME.fullmatch(path.name)]
        return sorted(found, key=lambda path: (path.name[:13], path.stat().st_mtime), reverse=True)

    def load(self) -> RunState | None:
        """Return the newest state that is whole; None if nothing was ever saved.

        A damaged file is passed over with a warning in the log.

        Raises:
            ValueError: If there are checkpoints, and every one is damaged.
        """
        paths = self.paths()
        for path in paths:
            if _is_whole(path):
                return _read(path)
            _LOGGER.warning("%s is damaged (its checksum differs); taking the one before", path)
        if paths:
            raise ValueError(
                f"{self.folder} must hold a whole checkpoint, but every file is damaged: "
                f"{', '.join(path.name for path in paths)}; start again in another folder."
            )
        return None


def _is_whole(path: Path) -> bool:
    match = _NAME.fullmatch(path.name)
    return match is not None and _digest(path.read_bytes()) == match[2]


def _read(path: Path) -> RunState:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return RunState(tensors, json.loads(file.metadata()[METADATA]))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _flush_folder(folder: Path) -> None:
    """Make the renaming itself outlast a power cut, where the system can."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
