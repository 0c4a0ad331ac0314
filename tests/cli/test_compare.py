import json
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.training.coloured_squares import write_squares
from trmml.training import Contestant, RunConfig, TrainingStopped

Run = Callable[..., tuple[int | None, str, str]]
EXAMPLE = Path(__file__).parents[2] / "examples" / "own_method.py"
SMALL = (
    "data.image_size=64",
    "recipe.epochs=1",
    "recipe.batch_size=12",
    "data.validation_share=0.25",
)


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What every call has: the photographs, and settings that make it fast."""
    write_squares(tmp_path, 24, side=32)
    monkeypatch.chdir(tmp_path)
    settings = [word for text in SMALL for word in ("--set", text)]
    return ["--base", "tiny", "--data", "labels.csv", "--keep", "0.5", *settings]


@pytest.mark.slow
def test_methods_are_compared_and_the_same_command_goes_on(
    words: list[str], tmp_path: Path, run: Run
) -> None:
    call = ["compare", "zero-shot", "coop", *words, "--out", "out", "--seeds", "1"]
    status, printed, said = run(*call)
    assert status == 0, said
    lines = printed.splitlines()
    assert [line.split()[:2] for line in lines[1:3]] == [["zero-shot"] * 2, ["coop"] * 2]
    assert lines[-1] == "Everything is in out; start with out/comparison.md"
    assert "coop, seed 0, in out/coop/seed-0" in said
    assert re.search(r"epoch 1: loss \d+\.\d+, mAP", said)

    status, printed, said = run(*call, "--json")
    assert status == 0, said
    assert json.loads(printed) == json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert "epoch" not in said

    status, _, said = run("compare", "dualcoop", "coop", *words, "--out", "out", "--keep", "0.6")
    assert status == 2
    assert "coop/seed-0: holds a run of other settings: `data.keep` was 0.5, is 0.6" in said


@pytest.mark.slow
def test_a_method_of_one_s_own_is_that_of_the_file_that_names_it(
    words: list[str], tmp_path: Path, run: Run
) -> None:
    (tmp_path / "mine.yaml").write_text("model: {method: linear-head}\n")
    task = ["--task", f"{EXAMPLE}:LinearHeadTask"]
    call = ["compare", "zero-shot", "mine.yaml", *words, "--out", "out", "--seeds", "1", "--json"]
    status, printed, said = run(*call, *task)
    assert status == 0, said
    methods = [one["method"] for one in json.loads(printed)["contestants"]]
    assert methods == ["zero-shot", "linear-head"]


@pytest.mark.parametrize(
    ("given", "said_words"),
    [
        (["tiny", "tiny"], "`name` must be another one for each configuration, got 'tiny'"),
        (["tiny", "own.yaml"], "own.yaml: the file does not exist"),
        (["tiny", "dualcop"], "no configuration of that name"),
        (["tiny", "--task", f"{EXAMPLE}:LinearHeadTask"], "but no configuration names it"),
        (["tiny", "other.yaml"], "`data.validation_seed` was 1200, is 7; set it for all of them"),
        (["tiny", "--set", "recipe.max_lr=0"], "`max_lr` must be above 0"),
    ],
)
def test_a_mistake_ends_in_one_clear_line(
    given: list[str], said_words: str, words: list[str], tmp_path: Path, run: Run
) -> None:
    (tmp_path / "other.yaml").write_text("data: {validation_seed: 7}\n")
    status, printed, said = run("compare", *given, *words, "--out", "out")
    assert status == 2
    assert printed == ""
    assert said.startswith("trmml: ")
    assert said_words in said
    assert not (tmp_path / "out").exists()


def test_options_write_the_settings_they_are_short_for_in_each_configuration(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[list[RunConfig]] = []

    def stop(contestants: list[Contestant], *_: object, **__: object) -> None:
        compared.append([config for config, _ in contestants])
        raise TrainingStopped(signal.SIGINT)

    monkeypatch.setattr(sys.modules["trmml.cli.compare"], "run_comparison", stop)
    call = ["compare", "tiny", "coop", "--base", "tiny", "--data", "labels.csv"]
    options = ["--epochs", "3", "--batch-size", "4", "--lr", "1e-5", "--encoder", "RN50:yfcc15m"]
    run(*call, *options)
    written = ["recipe.epochs=3", "recipe.batch_size=4", "recipe.max_lr=1e-05"]
    written += ["encoder.family=open_clip", "encoder.name=RN50", "encoder.pretrained=yfcc15m"]
    run(*call, *(f"--set={one}" for one in written))
    short, long = compared
    assert short == long
    assert {config.encoder.name for config in short} == {"RN50"}
    status, _, said = run(*call, "--epochs", "3", "--set", "recipe.epochs=3")
    assert status == 2
    assert "`--epochs` and `--set recipe.epochs=...` both say `recipe.epochs`" in said


@pytest.mark.parametrize(("rank", "notes"), [("0", 1), ("1", 0)])
def test_of_several_processes_the_first_one_says_how_to_go_on(
    rank: str, notes: int, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise TrainingStopped(signal.SIGINT)

    monkeypatch.setenv("RANK", rank)
    monkeypatch.setattr(sys.modules["trmml.cli.compare"], "run_comparison", stop)
    status, _, said = run("compare", "tiny", "--data", "labels.csv")
    assert status == 128 + signal.SIGINT
    assert said.count("The same command goes on.") == notes
