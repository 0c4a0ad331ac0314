import contextlib
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from trmml.atomic_write import (
    atomic_write,
    atomic_write_binary,
    synced_partial,
    write_atomically,
)
from trmml.data import ImageTable, LabelMask, write_dualcoop_mask, write_label_text, write_table

LABELS = np.array([[1, -1, 0], [0, 1, -1]], dtype=np.int8)
MASK = LabelMask(LABELS != 0, "by hand")


def write_some_text(path: Path) -> None:
    with atomic_write(path) as file:
        file.write("Grüße")


def write_some_bytes(path: Path) -> None:
    with atomic_write_binary(path) as file:
        file.write(b"\x00\xff")


WRITERS: dict[str, Callable[[Path], object]] = {
    "text": write_some_text,
    "binary": write_some_bytes,
    "content": lambda path: write_atomically(path, "Grüße"),
    "partial": lambda path: synced_partial(path, "Grüße").replace(path),
    "LabelMask.save": MASK.save,
    "write_dualcoop_mask": lambda path: write_dualcoop_mask(path, MASK.known, num_slices=3),
    "write_label_text": lambda path: write_label_text(path, LABELS),
    "write_table": lambda path: write_table(ImageTable(".", ["a", "b"], LABELS, "xyz"), path),
}


@pytest.fixture(params=WRITERS)
def write(request: pytest.FixtureRequest) -> Callable[[Path], object]:
    return WRITERS[request.param]


@pytest.fixture(params=[0o022, 0o002, 0o077])
def allowed(request: pytest.FixtureRequest) -> Iterator[int]:
    """Set a umask, and give the permissions that a new file has under it."""
    before = os.umask(request.param)
    yield 0o666 & ~request.param
    os.umask(before)


def fill_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)


def test_files_have_the_permissions_that_the_user_gives_new_ones(
    tmp_path: Path, write: Callable[[Path], object], allowed: int
) -> None:
    write(tmp_path / "file")
    assert oct(stat.S_IMODE((tmp_path / "file").stat().st_mode)) == oct(allowed)


def test_a_file_is_written_and_replaced_and_nothing_else_is_there(
    tmp_path: Path, write: Callable[[Path], object]
) -> None:
    path = tmp_path / "file"
    write(path)
    first = path.read_bytes()
    path.write_text("something else that is longer" * 100)
    write(path)
    assert path.read_bytes() == first
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file_and_no_rest(
    tmp_path: Path, write: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    fill_the_disk(monkeypatch)
    with pytest.raises((OSError, ValueError), match=r"No space left on device: '.*/file'"):
        write(path)  # named, as the file that was to be
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "old"


def test_content_is_text_in_utf_8_or_bytes_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    for content, expected in (("Grüße\n", "Grüße\n".encode()), (b"\x00\xff", b"\x00\xff")):
        write_atomically(path, content)
        assert path.read_bytes() == expected


@pytest.mark.parametrize("open_file", [atomic_write, atomic_write_binary])
def test_a_block_that_fails_changes_nothing(
    tmp_path: Path, open_file: Callable[[Path], object]
) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(KeyError), open_file(path):  # pyright: ignore[reportGeneralTypeIssues]
        raise KeyError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("open_file", [atomic_write, atomic_write_binary])
def test_a_place_that_cannot_hold_a_file_is_named(
    tmp_path: Path, open_file: Callable[[Path], object]
) -> None:
    with (
        pytest.raises(ValueError, match=r"x: cannot be written, the folder .*nowhere does not"),
        open_file(tmp_path / "nowhere" / "x"),  # pyright: ignore[reportGeneralTypeIssues]
    ):
        pass
    with (
        pytest.raises(ValueError, match="cannot be written, is a folder"),
        open_file(tmp_path),  # pyright: ignore[reportGeneralTypeIssues]
    ):
        pass


def test_what_was_written_can_be_read_before_it_gets_its_name(tmp_path: Path) -> None:
    with atomic_write_binary(tmp_path / "graph") as file:
        file.write(b"content")
        file.seek(0)
        assert file.read() == b"content"
        assert not (tmp_path / "graph").exists()
    assert (tmp_path / "graph").read_bytes() == b"content"


def test_two_files_are_on_the_disk_before_either_gets_its_name(tmp_path: Path) -> None:
    weights, card = tmp_path / "model", tmp_path / "card.json"
    partial = synced_partial(weights, b"new"), synced_partial(card, "new card")
    assert [file.name for file in partial] == ["model.partial", "card.json.partial"]
    assert not weights.exists()
    assert not card.exists()
    for file, path in zip(partial, (weights, card), strict=True):
        file.replace(path)
    assert (weights.read_bytes(), card.read_text()) == (b"new", "new card")


@pytest.mark.parametrize("kind", ["device", "pipe", "socket"])
def test_what_is_no_plain_file_is_never_replaced(
    tmp_path: Path, write: Callable[[Path], object], kind: str
) -> None:
    path = tmp_path / kind
    if kind == "device":
        path.symlink_to("/dev/null")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        with contextlib.chdir(tmp_path), socket.socket(socket.AF_UNIX) as server:
            server.bind(kind)
    before = path.lstat()
    with pytest.raises(ValueError, match=r"cannot be written, this is a"):
        write(path)
    assert path.lstat().st_mode == before.st_mode
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link_and_its_file_is_replaced(
    tmp_path: Path, write: Callable[[Path], object]
) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    link.symlink_to(real)
    write(link)
    if link.is_symlink():
        assert real.read_bytes() != b"old"
    assert {path.name for path in tmp_path.iterdir()} == {"real", "link"}


def test_a_name_of_all_the_bytes_a_disk_allows_is_written(
    tmp_path: Path, write: Callable[[Path], object], request: pytest.FixtureRequest
) -> None:
    longest = "ö" * 127  # 254 bytes of 255
    if "partial" in request.node.callspec.id:
        longest = longest[:-8]  # these names end in `.partial` for whoever finds them
    write(tmp_path / longest)
    assert [path.name for path in tmp_path.iterdir()] == [longest]


def test_what_a_killed_writer_left_is_gone_with_the_next(tmp_path: Path) -> None:
    path = tmp_path / "file"
    killed = """
        import os, signal, sys
        from pathlib import Path
        from trmml.atomic_write import atomic_write
        with atomic_write(sys.argv[1]) as file:
            file.write("half")
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
    """
    result = subprocess.run([sys.executable, "-c", textwrap.dedent(killed), path], check=False)
    assert result.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert left.name.endswith(".partial")
    others = [
        tmp_path / left.name.replace("file", "else"),  # of another file
        tmp_path / f"file.elsewhere-{os.getpid()}.partial",  # of another machine
        tmp_path / re.sub(r"-\d+\.", f"-{os.getppid()}.", left.name),  # of one that lives
    ]
    for other in others:
        other.touch()
    write_atomically(path, "whole")
    assert sorted(tmp_path.iterdir()) == sorted([path, *others])
