import json
from pathlib import Path

import pytest

from tests.prediction.photographs import NAMES, small_model
from trmml.data import open_split, write_table
from trmml.models import ABLATIONS, TRMML
from trmml.prediction import calibrate_thresholds, evaluate_scores, mixed_scores, score_images

COCO256 = Path(__file__).parents[3] / "shared" / "data" / "coco256"
SCORE = ("--prediction", "score")
DATA = ("labels.csv", "--images", "photos")


def expected(thresholds=None):
    _, table = open_split("labels.csv", images="photos")
    scores = score_images(small_model(), table)
    return evaluate_scores(scores, table.labels, NAMES, thresholds=thresholds), scores, table


def test_the_report_is_that_of_the_library(home, run):
    status, out, err = run("eval", "model", *DATA, "--json", "--quiet", "--out", "report.json")
    assert (status, err) == (0, "")
    report = json.loads(out)
    assert report == json.loads((home / "report.json").read_text(encoding="utf-8"))
    assert (report["split"], report["unreadable"]) == ("labels.csv", [])
    found, _, _ = expected()
    assert report["mean_average_precision"] == pytest.approx(found.mean_average_precision)
    assert report["at_thresholds"] is None
    assert [row["name"] for row in report["classes"]] == NAMES


def test_the_table_names_every_class(home, run):
    status, out, err = run("eval", "model", *DATA)
    assert status == 0
    assert out.startswith("labels.csv: 7 images, ")
    for words in ("mAP ", "| 0.5 |", "| sunset, red |", "| Bäume |"):
        assert words in out
    assert "Scoring" in err


def test_calibrated_thresholds_are_saved_with_the_model(home, run):
    status, out, err = run("eval", "model", *DATA, "--calibrate", "--json")
    assert status == 0
    assert "Saved the thresholds with the model in model" in err
    _, scores, table = expected()
    thresholds = calibrate_thresholds(scores.sigmoid(), table.labels).tolist()
    assert json.loads(out)["thresholds"] == pytest.approx(thresholds, abs=1e-5)
    saved = TRMML.from_pretrained("model").decision_thresholds
    assert saved == json.loads(out)["thresholds"]
    again = json.loads(run("eval", "model", *DATA, "--json")[1])
    assert again["thresholds"] == saved
    assert again["calibrated_here"] is False


def test_a_stack_is_fitted_and_saved_with_the_thresholds(home, run):
    status, out, err = run("eval", "model", *DATA, "--calibrate", "--prediction", "stack", "--json")
    assert status == 0
    assert "Saved the thresholds and the stack with the model in model" in err
    report = json.loads(out)
    assert report["prediction"] == "stack"
    by_stack = json.loads(run("eval", "model", *DATA, "--json")[1])
    for key in ("prediction", "mean_average_precision", "thresholds"):
        assert by_stack[key] == pytest.approx(report[key])
    by_score = json.loads(run("eval", "model", *DATA, "--json", "--prediction", "score")[1])
    found, _, _ = expected()
    assert by_score["prediction"] == "score"
    assert {report["dtype"], by_score["dtype"]} <= {"float32", "bfloat16"}
    assert report["runtime"] == "eager"
    assert by_score["mean_average_precision"] == pytest.approx(found.mean_average_precision)
    told = [run("predict", "model", "photos", "--json", *more)[1] for more in ((), SCORE)]
    assert told[0] != told[1]


def test_a_model_without_a_stack_says_how_to_get_one(home, run):
    status, out, err = run("predict", "model", "photos", "--prediction", "stack")
    assert (status, out) == (2, "")
    assert "trmml eval MODEL DATA --calibrate --prediction stack" in err


def test_calibration_can_leave_the_model_alone(home, run):
    before = (home / "model" / "config.json").read_bytes()
    status, _, _ = run("eval", "model", *DATA, "--calibrate", "--model-out", "other")
    assert status == 0
    assert (home / "model" / "config.json").read_bytes() == before
    assert len(TRMML.from_pretrained("other").decision_thresholds or []) == 3
    status, _, err = run("eval", "model", *DATA, "--model-out", "third")
    assert status == 2
    assert "--model-out goes with --calibrate" in " ".join(err.replace("│", " ").split())


def test_calibration_keeps_the_training_state(home, run):
    model = small_model()
    model.begin_second_stage()
    model.save_pretrained("model", training_state=True)
    assert run("eval", "model", *DATA, "--calibrate")[0] == 0
    prototypes = TRMML.from_pretrained("model").prototypes
    assert prototypes is not None
    assert prototypes.stage == 2


def test_a_model_on_the_hub_is_calibrated_into_a_folder(home, run, hub):
    model = small_model()
    model.begin_second_stage()
    model.push_to_hub("user/name", token="t")
    before = len(hub.requests)
    status, out, err = run("eval", "user/name", *DATA, "--calibrate")
    assert (status, out) == (2, "")
    told = " ".join(err.replace("│", " ").split())
    assert (
        "--calibrate cannot write to user/name on the Hub; give a folder with --model-out" in told
    )
    assert "Scoring" not in err
    assert len(hub.requests) == before
    assert not (home / "user").exists()
    status, _, err = run("eval", "user/name", *DATA, "--calibrate", "--model-out", "here")
    assert (status, "in here." in err) == (0, True)
    assert len(TRMML.from_pretrained("here").decision_thresholds or []) == 3


def test_a_report_that_cannot_be_written_is_refused_before_the_scoring(home, run):
    status, out, err = run("eval", "model", *DATA, "--out", "absent/report.json")
    assert (status, out) == (2, "")
    assert (
        err == "trmml: absent/report.json: cannot be written, the folder absent does not exist.\n"
    )


def test_two_models_are_evaluated_as_one(home, run):
    second = small_model([NAMES[2], *NAMES[:2]], ABLATIONS["dualcoop"])
    second.save_pretrained("second")
    status, out, err = run("eval", "model", *DATA, "--with", "second", "--weight", 0.4, "--json")
    assert status == 0
    assert "14/14" in err
    report = json.loads(out)
    assert report["with"] == {"model": "second", "weight": 0.4}
    _, scores, table = expected()
    others = score_images(second, table)[:, [1, 2, 0]]
    found = evaluate_scores(mixed_scores(scores, others, weight=0.4), table.labels, NAMES)
    assert report["mean_average_precision"] == pytest.approx(found.mean_average_precision)
    alone = json.loads(run("eval", "model", *DATA, "--json")[1])
    assert alone["with"] is None
    whole = json.loads(run("eval", "model", *DATA, "--with", "second", "--weight", 1, "--json")[1])
    assert whole["mean_average_precision"] == alone["mean_average_precision"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--with", "absent"), "absent: no saved model is there"),
        (("--with", "second", "--calibrate"), "leave out --with"),
        (("--with", "second", "--weight", 1.5), "less than or equal to 1"),
        (("--with", "second"), "`second` must have the classes of the first model"),
    ],
)
def test_a_second_model_that_cannot_be_added_is_refused(home, run, words, message):
    small_model(["sun", *NAMES[1:]]).save_pretrained("second")
    status, out, err = run("eval", "model", *DATA, *words)
    assert (status, out) == (2, "")
    assert message in " ".join(err.replace("│", " ").split())


def test_columns_in_another_order_change_nothing(home, run):
    before = run("eval", "model", *DATA, "--json")[1]
    _, table = open_split("labels.csv", images="photos")
    mixed = table.replace(labels=table.labels[:, [2, 0, 1]], class_names=[NAMES[2], *NAMES[:2]])
    write_table(mixed, "labels.csv")
    assert run("eval", "model", *DATA, "--json")[1] == before


def test_other_classes_end_with_2_and_both_lists(home, run):
    _, table = open_split("labels.csv", images="photos")
    write_table(table.replace(class_names=["sea", "dog", "Bäume"]), "labels.csv")
    status, out, err = run("eval", "model", *DATA)
    assert (status, out) == (2, "")
    assert "it lacks 'sunset, red'; the model does not know 'dog'" in err


def test_unreadable_images_are_named_and_end_with_1(home, run):
    (home / "photos" / "2, ö.png").write_bytes(b"")
    status, out, err = run("eval", "model", *DATA, "--json", "--quiet")
    assert status == 1
    report = json.loads(out)
    assert (report["num_images"], report["num_unreadable"]) == (6, 1)
    assert report["unreadable"] == ["photos/2, ö.png"]
    assert err == "trmml: photos/2, ö.png: the file is empty (0 bytes)\n"


def test_without_one_image_there_is_no_figure(home, run):
    for photo in (home / "photos").iterdir():
        photo.unlink()
    status, out, err = run("eval", "model", *DATA, "--quiet")
    assert (status, out) == (2, "")
    assert err.endswith(
        "trmml: not one of the 7 images could be read; check the folder of images.\n"
    )


@pytest.mark.skipif(not COCO256.exists(), reason="the shared photographs are not here")
def test_real_photographs_in_the_official_layout(tmp_path, run):
    _, table = open_split(COCO256, "coco2017/val/all")
    small_model(table.class_names).save_pretrained(tmp_path / "model")
    options = ("--split", "coco2017/val/all", "--json", "--quiet")
    status, out, _ = run("eval", tmp_path / "model", COCO256, *options)
    assert status == 0
    report = json.loads(out)
    assert (report["num_images"], report["known_share"]) == (128, 1)
    assert 0 < report["mean_average_precision"] < 1
    absent = [row for row in report["classes"] if row["positives"] == 0]
    assert absent
    assert {row["average_precision"] for row in absent} == {None}


def test_a_wrong_split_lists_those_that_are_there(home, run):
    status, _, err = run("eval", "model", *DATA, "--split", "val")
    assert status == 2
    assert "must be one of 'labels.csv', got 'val'" in err
