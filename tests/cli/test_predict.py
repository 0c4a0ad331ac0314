import csv
import io
import json
import os
import subprocess
import sys

import pytest
import torch

from tests.data.loopback_pictures import loopback_pictures
from tests.prediction.photographs import NAMES, OWN_METHOD, own_model, small_model

CALL = [sys.executable, "-c", "from trmml.cli import main; main()"]


def damage(path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


@pytest.fixture
def given(monkeypatch):
    """Set what is on standard input."""

    def standard_input(content: bytes):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return standard_input


def test_a_line_for_each_photograph_in_order(home, run):
    status, out, err = run("predict", "model", "photos", "--batch-size", 3)
    assert status == 0
    assert [line.split(":")[0] for line in out.splitlines()] == [
        f"photos/{row}, ö.png" for row in range(7)
    ]
    assert "sea 0.9" in out
    assert "Predicting" in err


def test_json_lines_hold_what_the_model_says(home, run):
    status, out, err = run("predict", "model", "photos", "--top-k", 2, "--json", "--quiet")
    assert (status, err) == (0, "")
    model = small_model()
    for line in out.splitlines():
        record = json.loads(line)
        values = model.predict(model.preprocess(record["image"]))[0]
        best = values.topk(2)
        assert [tag["class"] for tag in record["tags"]] == [NAMES[i] for i in best.indices]
        found = [tag["probability"] for tag in record["tags"]]
        assert found == pytest.approx(best.values.tolist(), abs=1e-5)
        assert {tag["threshold"] for tag in record["tags"]} == {0.5}


def test_the_precision_is_chosen_and_said(home, run):
    probabilities = []
    for dtype in ("float32", "bfloat16"):
        _, out, err = run(
            "predict", "model", "photos", "--threshold", 0, "--json", "--dtype", dtype
        )
        assert f"Computing in {dtype}, as asked for." in err.splitlines()
        records = [json.loads(line) for line in out.splitlines()]
        tags = [{tag["class"]: tag["probability"] for tag in one["tags"]} for one in records]
        probabilities.append(torch.tensor([[found[name] for name in NAMES] for found in tags]))
    full, half = probabilities
    assert not torch.equal(full, half)
    torch.testing.assert_close(half, full, rtol=0, atol=0.02)
    assert "Computing in" in run("predict", "model", "photos")[2]


def test_the_runtime_is_chosen_and_said_and_the_tags_stay(home, run):
    ask = ("predict", "model", "photos", "--threshold", 0, "--json", "--runtime")
    status, by_onnx, said = run(*ask, "onnx")
    assert (status, "Computing in float32, by ONNX Runtime." in said.splitlines()) == (0, True)
    in_torch = run(*ask, "eager", "--dtype", "float32")[1]
    for one, other in zip(by_onnx.splitlines(), in_torch.splitlines(), strict=True):
        tags = [
            {tag["class"]: tag["probability"] for tag in json.loads(line)["tags"]}
            for line in (one, other)
        ]
        assert tags[0] == pytest.approx(tags[1], abs=1e-5)
    status, _, said = run(*ask, "onnx", "--dtype", "bfloat16")
    assert (status, "`dtype` must be 'float32' or 'auto'" in said) == (2, True)


def test_csv_has_a_row_for_each_class_and_survives_commas(home, run):
    _, out, _ = run("predict", "model", "photos", "--threshold", 0, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == 7 * 3
    assert {row["class"] for row in rows} == {*NAMES}
    assert rows[0]["image"] == "photos/0, ö.png"
    assert 0 < float(rows[0]["probability"]) < 1


def test_a_photograph_without_a_tag_is_there_too(home, run):
    options = ("predict", "model", "photos/1, ö.png", "--threshold", 1, "--format")
    assert run(*options, "table")[1] == "photos/1, ö.png: -\n"
    assert run(*options, "csv")[1].splitlines()[1] == '"photos/1, ö.png",,,'
    assert json.loads(run(*options, "jsonl")[1]) == {"image": "photos/1, ö.png", "tags": []}


def test_calibrated_thresholds_decide_unless_a_number_is_given(home, run):
    model = small_model()
    model.decision_thresholds = [1.0, 0.0, 1.0]
    model.save_pretrained("model")
    record = json.loads(run("predict", "model", "photos/0, ö.png", "--json")[1])
    assert [(tag["class"], tag["threshold"]) for tag in record["tags"]] == [("sunset, red", 0)]
    record = json.loads(run("predict", "model", "photos/0, ö.png", "--json", "--threshold", 0.5)[1])
    assert "sea" in {tag["class"] for tag in record["tags"]}


def test_a_file_appears_whole(home, run):
    status, out, _ = run("predict", "model", "photos", "--out", "tags.csv", "--format", "csv")
    assert (status, out) == (0, "")
    assert (home / "tags.csv").read_text(encoding="utf-8").startswith("image,class,")
    assert not list(home.glob("*.partial"))


def test_a_damaged_photograph_in_the_middle_is_reported_and_passed_over(home, run):
    damage(home / "photos" / "3, ö.png")
    status, out, err = run("predict", "model", "photos", "--batch-size", 2, "--quiet")
    assert status == 1
    assert len(out.splitlines()) == 6
    assert err.startswith("trmml: photos/3, ö.png: damaged or truncated")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\0"])
def test_file_names_come_from_standard_input(home, run, given, separator):
    names = ["photos/2, ö.png", "photos/0, ö.png", "photos/gone.png"]
    given(separator.join([*names, ""]).encode())
    status, out, err = run("predict", "model", "-", "--quiet")
    assert status == 1
    assert [line.split(":")[0] for line in out.splitlines()] == names[:2]
    assert err == "trmml: photos/gone.png: the file does not exist\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "photos"], "nowhere: no saved model is there; check the path"),
        ([".", "photos"], "no saved model is there; did you mean model?"),
        (["model", "no.jpg"], "no.jpg: there is nothing"),
        (["model", "model"], "model: there is no image in this folder"),
        (["model", "photos", "-"], "give it alone"),
        (["model", "-"], "the list of images is empty"),
        (["model", "photos", "--threshold", "1.5"], "--threshold"),
        (["model", "photos", "--top-k", "0"], "--top-k"),
        (["model", "photos", "--format", "xml"], "--format"),
        (["model", "photos", "--device", "abacus"], "`device` must be one of this machine"),
        (["model", "photos", "--out", "none/tags.csv"], "the folder none does not exist"),
        (["model", "photos", "--out", "photos"], "photos: cannot be written, is a folder"),
        (["model"], "IMAGES"),
    ],
)
def test_a_wrong_call_ends_with_2_and_a_reason(home, run, given, arguments, message):
    given(b"\n")
    status, out, err = run("predict", *arguments)
    assert status == 2
    assert out == ""
    assert message in " ".join(err.replace("│", " ").split())


def test_a_damaged_model_ends_with_2(home, run):
    card = home / "model" / "config.json"
    card.write_text(card.read_text().replace('"sea",', ""))
    status, _, err = run("predict", "model", "photos")
    assert status == 2
    assert err.startswith("trmml: model: card and weights do not fit together: ")
    assert len(err.splitlines()) == 1
    card.write_text("{")
    assert run("predict", "model", "photos")[0] == 2


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["predict", "model", "photos", "--batch-size", "1", "--quiet"], 1),  # while it writes
        (["info"], 0),  # only when all is written out at the end
    ],
)
def test_a_reader_that_leaves_early_gives_no_traceback(home, arguments, status):
    process = subprocess.Popen(
        [*CALL, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": ""},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=120) == status
    assert errors == b""


def test_ctrl_c_ends_with_130(home, run, monkeypatch):
    def interrupt(path, **_):
        raise KeyboardInterrupt

    monkeypatch.setattr("trmml.cli.predict.opened", interrupt)
    assert run("predict", "model", "photos")[0] == 130


@pytest.mark.parametrize("command", ["predict", "eval", "heatmap", "label", "info", "data merge"])
def test_help_has_an_example(run, command):
    status, out, _ = run(*command.split(), "--help")
    assert status == 0
    assert f"trmml {command} " in out


def test_weights_that_are_not_finite_are_refused_by_name(home, run):
    model = small_model()
    assert model.decoder is not None
    with torch.no_grad():
        model.decoder.queries[0, 0] = torch.nan
    model.save_pretrained(home / "model")
    for command in (["predict", "model", "photos"], ["heatmap", "model", "photos", "--out", "h"]):
        status, out, err = run(*command, "--quiet")
        assert (status, out) == (2, "")
        assert "model.safetensors must hold finite weights" in err
        assert "'decoder.queries'" in err


@pytest.mark.parametrize("form", ["csv", "jsonl", "table"])
def test_a_score_that_is_no_number_is_no_absence(home, run, form):
    model = own_model()
    with torch.no_grad():
        model.get_parameter("head.weight")[1] = 3e38  # finite, and too large to be multiplied
    model.save_pretrained(home / "model")
    own = ("--task", OWN_METHOD, "--format", form, "--quiet")
    status, out, err = run("predict", "model", "photos", *own)
    assert status == 2
    assert len(out.splitlines()) == (form == "csv")
    assert "The score of 'sunset, red' in photos/0, ö.png must be a finite number" in err
    assert len(err.splitlines()) == 1


def test_addresses_are_fetched_only_where_it_is_asked_for(home, run):
    photograph = home / "photos" / "0, ö.png"
    with loopback_pictures(photograph.read_bytes()) as server:
        address = f"{server}/picture.png"
        status, _, err = run("predict", "model", address)
        assert status == 2
        assert "add --allow-urls" in " ".join(err.replace("│", " ").split())
        status, out, _ = run("predict", "model", address, photograph, "--allow-urls", "--top-k", 1)
        missing, _, problem = run("predict", "model", f"{server}/gone", "--allow-urls", "--quiet")
    first, second = out.splitlines()
    assert status == 0
    assert first.removeprefix(f"{address}: ") == second.removeprefix(f"{photograph}: ")
    assert (missing, problem) == (1, f"trmml: {server}/gone: the server says 404 Not Found\n")
