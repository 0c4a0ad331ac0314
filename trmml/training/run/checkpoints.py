"""Checkpoints that survive any stop: whole or not there, proven, and never the only one."""

import hashlib
import json
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path

from trmml.atomic_write import synced_partial
from trmml.stored_files import parse_json, read_tensors, tensor_content
from trmml.training.loop.state import RunState

__all__ = ["CheckpointStore"]

_LOGGER = logging.getLogger(__name__)
_NAME = re.compile(r"step-(\d{8})-([0-9a-f]{16})\.safetensors")
KEPT = 2
METADATA = "trmml"


class CheckpointStore:
    """Keep the last two states of a run in a folder.

    A checkpoint is one safetensors file, named after its step and its checksum. It is written
    under another name, tensor by tensor, flushed to the disk, renamed, and read back; only then the
    oldest goes. So a stop at any moment, or a full disk, leaves at least the state before.

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
        checksum = hashlib.sha256()

        def content() -> Iterator[bytes | memoryview]:
            for piece in tensor_content(state.tensors, {METADATA: json.dumps(state.plain)}):
                checksum.update(piece)
                yield piece

        self.folder.mkdir(parents=True, exist_ok=True)
        partial = synced_partial(self.folder / f"step-{step:08d}", content())
        path = self.folder / f"step-{step:08d}-{checksum.hexdigest()[:16]}.safetensors"
        partial.replace(path)
        _flush_folder(self.folder)
        if not _is_as_written(path):
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
            try:
                return _read(path)
            except ValueError as error:
                _LOGGER.warning("%s; taking the one before", str(error).rstrip("."))
        if paths:
            raise ValueError(
                f"{self.folder} must hold a whole checkpoint, but every file is damaged: "
                f"{', '.join(path.name for path in paths)}; start again in another folder."
            )
        return None


def _read(path: Path) -> RunState:
    """Return the state in a file.

    Raises:
        ValueError: If it is not the file that was written.
    """
    tensors, metadata = read_tensors(path)  # mapped, so that a lie about its size costs nothing
    if not _is_as_written(path):
        raise ValueError(f"{path} is damaged (its checksum differs).")
    what = "a checkpoint with the state of a run"
    # Scores and thresholds that nothing is known of yet are nan.
    plain = parse_json(metadata.get(METADATA, ""), where=path, what=what, allow_nan=True)
    return RunState(tensors, plain)


def _is_as_written(path: Path) -> bool:
    """Say whether a file's checksum is the one in its name."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    name = _NAME.fullmatch(path.name)
    return name is not None and digest.startswith(name[2])


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
