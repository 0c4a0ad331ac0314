"""Only plain files are opened: a pipe or a device is named at once, and never waited for."""

import os
import socket
from pathlib import Path

import pytest

from trmml.regular_files import irregular_kind, require_regular_file


def test_a_plain_file_and_a_link_to_it_are_taken(tmp_path: Path) -> None:
    file, link = tmp_path / "a", tmp_path / "b"
    file.touch()
    link.symlink_to(file)
    assert require_regular_file(file) == file
    assert require_regular_file(str(link)) == link


def test_everything_else_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
    kinds = {tmp_path: "a folder", tmp_path / "pipe": "a pipe", tmp_path / "socket": "a socket"}
    for path, kind in {**kinds, Path(os.devnull): "a device"}.items():
        assert irregular_kind(path) == kind
        with pytest.raises(ValueError, match=f"this is {kind}, not a file"):
            require_regular_file(path)


@pytest.mark.parametrize("name", ["nothing", "file/below"])
def test_nothing_is_no_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    assert irregular_kind(tmp_path / name) is None
    with pytest.raises(FileNotFoundError, match="does not exist; check the path"):
        require_regular_file(tmp_path / name)
