"""Where a command's result goes: never over an input, a device, or in silence over a result."""

import io
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from trmml.json_text import json_text
from trmml.models.saved_model import CARD, WEIGHTS
from trmml.regular_files import irregular_kind

__all__ = ["check_new_file", "check_output", "check_output_folder", "print_json", "speak_utf8"]


def check_output(
    out: Path, *, inputs: Iterable[str | Path | None] = (), overwrite: bool = False
) -> None:
    """Refuse, before any work, to write where something would be lost.

    Args:
        out: File to write.
        inputs: What the command reads: files, or folders of saved models. Paths of one file count
            as one, however they are written.
        overwrite: Whether a result that is there may be replaced.

    Raises:
        ValueError: If the file is one of the inputs, is no regular file, is there already, or has
            no folder to be in.
    """
    kind = irregular_kind(out)
    if kind not in (None, "a folder"):
        raise ValueError(f"{out}: this is {kind}, not a file; choose another name.")
    _check_folder(out)
    if not out.exists():
        return
    for path in map(Path, filter(None, inputs)):
        files = [path / CARD, path / WEIGHTS] if path.is_dir() else [path]
        if any(file.exists() and file.samefile(out) for file in files):
            raise ValueError(f"{out}: the command reads this; choose another name.")
    if not overwrite:
        raise ValueError(f"{out}: is there already; choose another name, or add --overwrite.")


def check_new_file(path: Path) -> None:
    """Refuse, before any work, to write over labels or answers that a person wrote.

    Raises:
        ValueError: If the file exists, or its folder does not.
    """
    if path.exists():
        raise ValueError(f"{path}: is there already and is never overwritten; choose a new name.")
    _check_folder(path)


def check_output_folder(
    out: Path, *, inputs: Iterable[str | Path | None] = (), overwrite: bool = False
) -> None:
    """Refuse, before any work, a folder in which something would be lost.

    Args:
        out: Folder for results; it need not be there.
        inputs: What the command reads, of which nothing may lie in the folder.
        overwrite: Whether results that are in the folder may be replaced.

    Raises:
        ValueError: If there is something else than a folder, inputs lie in it, or it holds
            anything.
    """
    if out.exists() and not out.is_dir():
        raise ValueError(f"{out}: this is no folder; choose another name.")
    if not out.is_dir():
        return
    for path in map(Path, filter(None, inputs)):
        if path.exists() and (path.samefile(out) or path.parent.samefile(out)):
            raise ValueError(f"{out}: the command reads {path} there; choose another folder.")
    if not overwrite and any(out.iterdir()):
        raise ValueError(
            f"{out}: holds something already; choose another folder, or add --overwrite."
        )


def speak_utf8() -> None:
    """Write what programs read in UTF-8, whatever the console's encoding is."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")


def print_json(value: Any, *, indent: int | None = 1) -> None:  # noqa: ANN401 - plain values
    """Print plain values as JSON, in UTF-8."""
    speak_utf8()
    print(json_text(value, indent=indent))


def _check_folder(path: Path) -> None:
    """Refuse, before any work, a file that could not be written for want of a folder.

    Raises:
        ValueError: If the folder does not exist, or the path is a folder itself.
    """
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else f"the folder {path.parent} does not exist"
        raise ValueError(f"{path}: cannot be written, {what}.")
