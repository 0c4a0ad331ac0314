"""Where uploads lie: a folder of the server's own, which goes with it, however it ends."""

import os
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

__all__ = ["UploadFolder", "gradio_writes_to", "server_folder"]

MAX_BYTES: Final = 500 * 2**20
MAX_FILES: Final = 200
KEEP_SECONDS: Final = 300
"""Age at which an upload is deleted."""

PRUNE_SECONDS: Final = 60
"""How often one that old is looked for."""

PRESSED_SECONDS: Final = 60
"""The same, where there is no room for the next."""

_PREFIX: Final = "trmml-page-"
_VARIABLE: Final = "GRADIO_TEMP_DIR"  # what Gradio reads again for every upload
_changing = threading.Lock()
_users: list[Path] = []  # the one folder, once for every server that runs in this process
_closing = ExitStack()


class UploadFolder:
    """Uploaded files, each in a folder of its own that Gradio names by its content.

    Args:
        path: Of a folder that is there; what it holds already are examples, which stay.
    """

    def __init__(self, path: Path) -> None:
        """Note what is there."""
        self.path = path
        self.examples = frozenset(file for file, _ in self._files())

    def has_room(self, size: int) -> bool:
        """Say whether so many bytes more may come, old uploads deleted if need be."""
        for age in (KEEP_SECONDS, PRESSED_SECONDS):
            held = self.prune(age)
            if sum(held) + size <= MAX_BYTES and len(held) < MAX_FILES:
                return True
        return False

    def prune(self, age: float) -> list[int]:
        """Delete uploads of an age in seconds, and folders left empty.

        Returns:
            The sizes of those that stay.
        """
        oldest, sizes = time.time() - age, []
        for file, status in list(self._files()):
            if file in self.examples:
                continue
            if status.st_ctime > oldest:
                sizes.append(status.st_size)
                continue
            file.unlink(missing_ok=True)
        for folder in self.path.iterdir():
            with suppress(OSError):  # it holds something, or is none
                folder.rmdir()
        return sizes

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        for place, _, names in os.walk(self.path):
            for name in names:
                with suppress(FileNotFoundError):
                    file = Path(place, name)
                    yield file, file.lstat()


@contextmanager
def server_folder() -> Iterator[Path]:
    """Make a folder for a server's files, and delete it when the block ends.

    What a server left that was killed is deleted, too. The folders of a process lie in one, to
    which Gradio is kept meanwhile.

    Yields:
        Its path, below the one that `GRADIO_TEMP_DIR` names, or the system's for such files.
    """
    with _changing:
        _users.append(_users[0] if _users else _closing.enter_context(_process_folder()))
    try:
        path = _users[0] / secrets.token_hex(6)
        path.mkdir(mode=0o700)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)
    finally:
        with _changing:
            _users.pop()
            if not _users:
                _closing.close()


@contextmanager
def gradio_writes_to(path: Path) -> Iterator[None]:
    """Have Gradio take a folder for its files: it looks at the environment for each of them."""
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = str(path)
    try:
        yield
    finally:
        os.environ.pop(_VARIABLE)
        if before is not None:
            os.environ[_VARIABLE] = before


@contextmanager
def _process_folder() -> Iterator[Path]:
    parent = Path(os.environ.get(_VARIABLE) or tempfile.gettempdir()).resolve()
    parent.mkdir(parents=True, exist_ok=True)
    _delete_what_dead_servers_left(parent)
    path = parent / f"{_PREFIX}{secrets.token_hex(6)}"
    with _locked(path) as held:
        path.mkdir(mode=0o700)
        try:
            with gradio_writes_to(path):
                yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)
            if held:
                _lock_of(path).unlink(missing_ok=True)


def _delete_what_dead_servers_left(parent: Path) -> None:
    for path in parent.glob(f"{_PREFIX}*"):
        if path.is_symlink() or not path.is_dir() or not _is_mine(path):
            continue
        with _locked(path) as held:
            if held:
                shutil.rmtree(path, ignore_errors=True)
                _lock_of(path).unlink(missing_ok=True)


@contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """Try to hold the lock of a folder; a process that has died, however, holds none."""
    from filelock import FileLock, Timeout

    lock = FileLock(_lock_of(path), mode=0o600)
    try:
        lock.acquire(timeout=0)
    except (Timeout, OSError, NotImplementedError):
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _lock_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def _is_mine(path: Path) -> bool:
    return not hasattr(os, "getuid") or path.lstat().st_uid == os.getuid()
