"""One rule for every result: never onto an input or a device, never in silence over a result."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]

# Each command that writes one file, without its `--out`, and what it reads.
WRITERS = {
    "predict": (
        ["predict", "model", "photos", "--quiet"],
        ["photos/0, ö.png", "model/config.json"],
    ),
    "eval": (["eval", "model", "labels.csv", "--images", "photos", "--quiet"], ["labels.csv"]),
    "label": (["label", "model", "labels.csv", "--images", "photos", "--quiet"], ["labels.csv"]),
    "hide": (["data", "hide", "labels.csv", "--keep", "0.5", "--quiet"], ["labels.csv"]),
    "single": (["data", "single-positive", "labels.csv", "--quiet"], ["labels.csv"]),
    "merge": (["data", "merge", "labels.csv", "review.csv"], ["labels.csv", "review.csv"]),
    "export": (["export", "model"], ["model/model.safetensors"]),
}
KEEPS = ("label", "merge")  # what a person wrote is never overwritten


def everything(home: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file()}


@pytest.fixture
def review(home: Path) -> None:
    (home / "review.csv").write_text("image,class,label,accept\n")


@pytest.mark.usefixtures("review")
@pytest.mark.parametrize("command", WRITERS)
def test_no_command_writes_over_what_it_reads(home: Path, run: Run, command: str) -> None:
    arguments, inputs = WRITERS[command]
    Path("hard.onnx").hardlink_to(inputs[0])
    Path("soft.onnx").symlink_to(home / inputs[0])
    spellings = [*inputs, f"photos/../{inputs[0]}", home / inputs[0], "hard.onnx", "soft.onnx"]
    if command == "export":  # which refuses other endings first
        spellings = spellings[-2:]
    before = everything(home)
    for out in spellings:
        for overwrite in ([], ["--overwrite"]):
            if overwrite and command in KEEPS:
                continue
            status, printed, said = run(*arguments, "--out", out, *overwrite)
            assert (status, printed) == (2, ""), (out, said)
            assert said.startswith(f"trmml: {out}: ")
            assert said.count("\n") == 1
    assert everything(home) == before


@pytest.mark.usefixtures("review")
@pytest.mark.parametrize("command", WRITERS)
def test_no_command_replaces_a_device_a_pipe_a_folder_or_a_result(
    home: Path, run: Run, command: str
) -> None:
    arguments, _ = WRITERS[command]
    os.mkfifo("pipe.onnx")
    Path("null.onnx").symlink_to("/dev/null")
    Path("old.onnx").write_text("something that was there")
    Path("folder.onnx").mkdir()
    before = everything(home)
    for out in ("null.onnx", "pipe.onnx", "folder.onnx", "old.onnx", "nowhere/new.onnx", ""):
        status, printed, said = run(*arguments, "--out", out)
        assert (status, printed) == (2, ""), (out, said)
        assert said.startswith(("trmml: ", "Usage: "))
    assert everything(home) == before
    assert Path("null.onnx").is_char_device()
    assert Path("pipe.onnx").is_fifo()


@pytest.mark.usefixtures("review")
@pytest.mark.parametrize("command", sorted({*WRITERS} - {*KEEPS, "export"}))
def test_a_result_is_replaced_only_when_told(home: Path, run: Run, command: str) -> None:
    arguments, _ = WRITERS[command]
    status, _, said = run(*arguments, "--out", "result")
    assert status == 0, said
    first = Path("result").read_bytes()
    Path("result").write_text("older")
    assert run(*arguments, "--out", "result")[0] == 2
    status, _, said = run(*arguments, "--out", "result", "--overwrite")
    assert status == 0, said
    assert Path("result").read_bytes() == first


@pytest.mark.parametrize(
    "command",
    [["heatmap", "model", "photos"], ["demo", "--images", "photos", "--labels", "labels.csv"]],
)
def test_pictures_go_into_no_folder_with_something_in_it(
    home: Path, run: Run, command: list[str]
) -> None:
    shutil.copytree("photos", "other")
    before = everything(home)
    for out in ("photos", "other", ".", "labels.csv"):
        status, printed, said = run(*command, "--out", out)
        assert (status, printed) == (2, "")
        assert said.startswith(f"trmml: {out}: ")
    status, _, said = run(*command, "--out", "photos", "--overwrite")
    assert status == 2
    assert "the command reads photos" in said
    assert everything(home) == before


def test_pictures_replace_others_when_told(home: Path, run: Run) -> None:
    arguments = ("heatmap", "model", "photos", "--out", "drawn", "--top-k", 1, "--quiet")
    assert run(*arguments)[0] == 0
    assert run(*arguments)[0] == 2
    assert run(*arguments, "--overwrite")[0] == 0
