import errno
import io
import os
import sys

import pytest

from trmml.cli.failures import failure_line


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(errno.ENOSPC, "No space", "a.csv"), "a.csv: the disk is full; free some space"),
        (OSError(errno.EROFS, "Read-only", "a.csv"), "a.csv: the disk cannot be written to; "),
        (PermissionError(errno.EACCES, "no", "a.csv"), "a.csv: permission is denied; check whose"),
        (OSError(errno.EMFILE, "many", "a.jpg"), "a.jpg: too many files are open; take fewer"),
        (OSError(errno.ENAMETOOLONG, "long", "a"), "a: the name is too long for the disk; choose"),
        (RecursionError("maximum recursion"), "a file is nested too deeply"),
        (OverflowError("int too large"), r"a number is too large \(int too large\)"),
        (MemoryError(), "there is not enough memory; take fewer images at once"),
        (ValueError("`top_k` must be 1 or more"), "`top_k` must be 1 or more"),
        (FileNotFoundError("model: no saved model is there"), "model: no saved model is there"),
    ],
)
def test_what_a_user_can_mend_is_one_line(error, line):
    found = failure_line(error)
    assert found is not None
    assert found.startswith(line.replace("\\", ""))
    assert "\n" not in found


@pytest.mark.parametrize(
    "error", [TypeError("a"), KeyError("a"), AssertionError(), RuntimeError("b")]
)
def test_a_fault_of_the_program_is_none(error):
    assert failure_line(error) is None


def test_a_full_disk_is_told_with_the_file(run, home, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    status, _, said = run("predict", "model", "photos", "--out", "new.csv", "--quiet")
    assert (status, said) == (
        2,
        "trmml: new.csv: the disk is full; free some space, or write elsewhere.\n",
    )
    assert not (home / "new.csv").exists()


@pytest.mark.parametrize("arguments", [["predict", ""], ["predict", "model", "--out="], [""]])
def test_an_empty_argument_is_no_folder(run, home, arguments):
    status, _, said = run(*arguments)
    assert status == 2
    assert "must not be empty, got" in said


@pytest.mark.parametrize(
    ("encoding", "options"),
    [("ascii", ["--format", "csv"]), ("utf-16", ["--json"]), ("cp1252", [])],
)
def test_programs_get_utf_8_and_consoles_never_stop(home, run, monkeypatch, encoding, options):
    (home / "photos" / "日本.png").write_bytes((home / "photos" / "0, ö.png").read_bytes())
    console = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", console)
    status, _, said = run("predict", "model", "photos", "--quiet", *options)
    assert (status, said) == (0, "")
    printed = console.buffer.getvalue()
    if options:
        assert "日本.png" in printed.decode("utf-8")
    else:
        assert len(printed.decode(encoding).splitlines()) == 8
