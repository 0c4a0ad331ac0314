"""Each command with a model of a method that this library does not bring, and without regions."""

import json

import pytest
from typer.testing import CliRunner

from tests.prediction.photographs import NAMES, OWN_METHOD, own_model
from trmml.cli.app import app

TASK = ("--task", OWN_METHOD, "--quiet")


@pytest.fixture
def own(home):
    own_model().save_pretrained(home / "own")
    return home


def test_predict_and_eval_and_label_take_it(own, run):
    status, out, err = run("predict", "own", "photos", "--top-k", 1, *TASK)
    assert (status, err, len(out.splitlines())) == (0, "", 7)
    status, out, _ = run("eval", "own", "labels.csv", "--images", "photos", "--json", *TASK)
    assert status == 0
    assert json.loads(out)["num_images"] == 7
    status, out, _ = run("label", "own", "labels.csv", "--images", "photos", *TASK)
    assert status == 0
    assert "labels proposed" in out


def test_export_leaves_out_the_regions_that_it_has_not(own, run):
    status, out, err = run("export", "own", "--out", "own.pt2", "--json", *TASK)
    assert (status, err) == (0, "")
    assert json.loads(out)["agrees"] is True
    about = json.loads((own / "own.pt2.json").read_text(encoding="utf-8"))
    assert (about["outputs"], about["class_names"]) == (["probabilities"], NAMES)
    status, _, err = run("export", "own", "--out", "other.pt2", "--regions", *TASK)
    assert status == 2
    assert "`regions` must be False for a LinearHead" in err
    assert not (own / "other.pt2").exists()


def test_heatmap_refuses_before_anything_is_drawn(own, run):
    status, out, err = run("heatmap", "own", "photos", "--out", "new", *TASK)
    assert (status, out) == (2, "")
    assert err.startswith("trmml: `model` must have regions to draw them, but a LinearHead")
    assert len(err.splitlines()) == 1
    assert not (own / "new").exists()


def test_serve_takes_it(own, monkeypatch):
    served = []
    monkeypatch.setattr("trmml.page.serve", lambda model, **_: served.append(type(model).__name__))
    result = CliRunner().invoke(app, ["serve", "own", "--task", OWN_METHOD])
    assert result.exit_code == 0, result.output
    assert served == ["LinearHead"]


def test_info_needs_no_task(own, run):
    status, out, _ = run("info", "own", "--json")
    assert status == 0
    found = json.loads(out)
    assert (found["method"], found["class_names"]) == ("linear-head", NAMES)
    assert found["config_changed"]["bias"] is True  # its defaults are not known: all is shown


COMMANDS = {
    "predict": ("photos",),
    "eval": ("labels.csv", "--images", "photos"),
    "label": ("labels.csv", "--images", "photos"),
    "heatmap": ("photos", "--out", "new"),
    "export": ("--out", "own.onnx"),
    "serve": (),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_without_its_task_each_says_what_to_give(own, run, command):
    status, out, err = run(command, "own", *COMMANDS[command])
    assert (status, out) == (2, "")
    assert "the method 'linear-head', which is not one of this library's (trmml" in err
    assert "--task my_file.py:MyTask" in err
    assert not (own / "new").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_task_that_is_not_there_ends_with_2(own, run, command):
    status, _, err = run(command, "model", *COMMANDS[command], "--task", "none.py:MyTask")
    assert status == 2
    assert "`task` must be a Python file and a class in it" in err


def test_a_model_of_this_library_opens_beside_a_task(own, run):
    assert run("predict", "model", "photos", *TASK)[0] == 0


@pytest.mark.parametrize("command", ["train", "export", "compare"])
def test_what_a_file_lacks_is_told_in_one_line(command, own, run, tmp_path):
    file = tmp_path / "method_that_lacks.py"
    file.write_text("import not_there")
    place = f"{file}:MyTask"
    rest = {"train": ["tiny"], "export": ["own", "--out", "own.pt2"], "compare": ["tiny", "coop"]}
    status, out, err = run(command, *rest[command], "--task", place, "--quiet")
    assert (status, out) == (2, "")
    assert err == f"trmml: `--task` {place}: No module named 'not_there'.\n"
