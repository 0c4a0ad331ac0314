import csv
import json
import re

import pytest

from tests._references.answer_value import answer_value as reference
from tests.prediction.evidence import partly_known, streaming, truth_and_scores
from tests.prediction.photographs import NAMES
from trmml.data import load_table, open_split, write_table

DATA = ("labels.csv", "--images", "photos")


def read(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_only_unknown_labels_are_proposed_the_surest_first(home, run):
    before = (home / "labels.csv").read_bytes()
    status, out, err = run("label", "model", *DATA, "--min-confidence", 0)
    assert status == 0
    rows = read(home / "review.csv")
    _, table = open_split("labels.csv", images="photos")
    unknown = {
        (table.names[row], table.class_names[column])
        for row, column in (table.labels == 0).nonzero().tolist()
    }
    assert {(row["image"], row["class"]) for row in rows} == unknown
    assert [row["accept"] for row in rows] == [""] * len(rows)
    assert {row["source"] for row in rows} == {"probability"}
    sure = [abs(float(row["probability"]) - (row["label"] == "-1")) for row in rows]
    assert sure == sorted(sure, reverse=True)
    positive = sum(row["label"] == "1" for row in rows)
    assert out == (
        f"review.csv: {positive} positive and {len(rows) - positive} negative labels proposed\n"
    )
    assert "trmml data merge labels.csv review.csv" in err
    assert (home / "labels.csv").read_bytes() == before


def test_json_is_what_the_file_says(home, run):
    options = ("--min-confidence", 0, "--only", "positive", "--json", "--quiet", "--out", "p.csv")
    status, out, err = run("label", "model", *DATA, *options)
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert found
    assert {one["label"] for one in found} == {1}
    assert [one["image"] for one in found] == [row["image"] for row in read(home / "p.csv")]


def test_accepted_labels_go_into_a_new_table(home, run):
    run("label", "model", *DATA, "--min-confidence", 0)
    rows = read(home / "review.csv")
    answered = [{**row, "accept": "yes" if place < 2 else ""} for place, row in enumerate(rows)]
    with (home / "answers.csv").open("w", encoding="utf-8", newline="") as file:
        sheet = csv.DictWriter(file, [*rows[0]], delimiter=";")  # as some spreadsheets save
        sheet.writeheader()
        sheet.writerows(answered)
    options = ("--images", "photos", "--out", "new.csv")
    status, out, err = run("data", "merge", "labels.csv", "answers.csv", *options)
    assert status == 0
    assert out == "new.csv: 2 labels filled in\n"
    assert err == f"{len(rows) - 2} proposals are left open\n"
    old, new = (load_table(name, "photos") for name in ("labels.csv", "new.csv"))
    changed = (old.labels != new.labels).nonzero().tolist()
    assert sorted((new.names[row], new.class_names[column]) for row, column in changed) == sorted(
        (row["image"], row["class"]) for row in rows[:2]
    )
    assert [int(new.labels[row, column]) for row, column in changed] == [
        int(next(r["label"] for r in rows if (r["image"], r["class"]) == place))
        for place in ((new.names[row], new.class_names[column]) for row, column in changed)
    ]


@pytest.mark.parametrize("out", ["labels.csv", "review.csv"])
@pytest.mark.parametrize("command", ["label model labels.csv", "data merge labels.csv review.csv"])
def test_neither_labels_nor_answers_are_ever_overwritten(home, run, command, out):
    (home / "review.csv").write_text("image,class,label,accept\n")
    before = (home / out).read_bytes()
    status, _, err = run(*command.split(), "--images", "photos", "--out", out)
    assert status == 2
    assert "never overwritten" in err
    assert (home / out).read_bytes() == before


def test_prototypes_must_be_there(home, run):
    status, _, err = run("label", "model", *DATA, "--source", "prototypes")
    assert status == 2
    assert "`training_state=True`" in err


def test_a_folder_with_one_table_is_enough(home, run):
    (home / "labels.csv").rename(home / "photos" / "labels.csv")
    status, out, _ = run("label", "model", "photos", "--min-confidence", 0)
    assert status == 0
    assert "labels proposed" in out


def test_photographs_that_cannot_be_read_are_named(home, run):
    (home / "photos" / "1, ö.png").unlink()
    status, _, err = run("label", "model", *DATA, "--quiet")
    assert status == 1
    assert err == "trmml: photos/1, ö.png: the file does not exist\n"


@pytest.fixture
def many(home, monkeypatch):
    """A table of so many labels that a promise can be kept, and what is true."""
    truth, scores = truth_and_scores()
    table = partly_known(truth)
    (home / "labels.csv").unlink()
    write_table(table, home / "labels.csv")
    monkeypatch.setattr("trmml.prediction.scoring.stream_table", streaming(scores))
    return table, truth


def test_only_labels_that_keep_the_promise_are_proposed(home, run, many):
    table, truth = many
    status, out, err = run("label", "model", *DATA, "--unseen", "--precision", 0.95)
    assert status == 0
    rows = read(home / "review.csv")
    assert {row["source"] for row in rows} == {"calibrated"}
    left_open = int((table.labels == 0).sum()) - len(rows)
    last = out.splitlines()[-1]
    assert last == (
        f"{len(rows)} labels added, at least 95 % right in expectation; {left_open} left open"
    )
    right = [
        int(row["label"]) == truth[table.names.index(row["image"]), NAMES.index(row["class"])]
        for row in rows
    ]
    assert sum(right) / len(right) > 0.95
    assert "nothing is promised" not in err
    known = dict(zip(NAMES, (table.labels == 1).sum(0).tolist(), strict=True))
    worth = [reference(float(row["probability"]), known[row["class"]]) for row in rows]
    assert worth == pytest.approx(sorted(worth, reverse=True), abs=1e-3)  # as they are rounded


def test_each_kind_of_label_has_its_own_promise(home, run, many):
    options = ("--unseen", "--precision", 0.9, "--absent-precision", 0.97)
    _, out, _ = run("label", "model", *DATA, *options)
    lines = out.splitlines()[-2:]
    assert re.fullmatch(r"\d+ positive labels added, at least 90 % right in expectation", lines[0])
    assert re.fullmatch(
        r"\d+ negative labels added, at least 97 % right in expectation; \d+ left open", lines[1]
    )
    run("label", "model", *DATA, "--out", "only.csv", *options, "--only", "negative")
    assert {row["label"] for row in read(home / "only.csv")} == {"-1"}
    assert lines[1].split()[0] == str(len(read(home / "only.csv")))


def test_a_promise_that_cannot_be_kept_adds_nothing_and_says_why(home, run):
    status, out, _ = run("label", "model", *DATA, "--unseen", "--precision", 0.99)
    assert status == 0
    assert read(home / "review.csv") == []
    assert "No positives are added" in out
    assert out.splitlines()[-1].startswith("0 labels added, at least 99 % right in expectation; ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--precision", 0.9), "or --unseen"),
        (("--source", "calibrated"), "or --unseen"),
        (("--precision", 1), "must be in (0, 1)"),
        (("--absent-precision", "nan", "--unseen"), "must be in (0, 1)"),
        (("--precision", 0.9, "--source", "probability"), "leave out --source"),
        (("--unseen", "--source", "prototypes"), "goes without --source prototypes"),
        (("--unseen", "--absent-precision", 0.9, "--only", "positive"), "give --precision"),
    ],
)
def test_a_promise_without_what_it_takes_is_refused(home, run, options, message):
    status, _, err = run("label", "model", *DATA, *options)
    assert status == 2
    assert message in re.sub(r"[\s│]+", " ", err)
    assert not (home / "review.csv").exists()


def test_where_nothing_is_promised_that_is_said(home, run):
    _, _, err = run("label", "model", *DATA)
    assert "nothing is promised" in err


def test_a_page_for_review_is_written_beside_the_table(home, run):
    options = ("--min-confidence", 0, "--page", "page.html", "--page-items", 3)
    status, _, err = run("label", "model", *DATA, *options)
    assert status == 0
    assert f"page.html asks about 3 of {len(read(home / 'review.csv'))}" in err
    assert (home / "page.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    status, _, err = run("label", "model", *DATA, "--out", "b.csv", "--page", "page.html")
    assert status == 2
    assert "never overwritten" in err
    status, _, err = run("label", "model", *DATA, "--out", "c.csv", "--page", "./c.csv")
    assert status == 2
    assert "must be two files" in re.sub(r"[\s│]+", " ", err)
    assert not (home / "c.csv").exists()


@pytest.mark.parametrize("form", ["label-studio", "fiftyone"])
def test_questions_for_other_programs_come_back_by_merge(home, run, form):
    status, _, err = run("label", "model", *DATA, "--min-confidence", 0, "--format", form)
    assert status == 0
    assert "Answer review.json there and export the answers, then: trmml data merge" in err
    options = ("--images", "photos", "--out", "new.csv")
    status, out, err = run("data", "merge", "labels.csv", "review.json", *options)
    assert (status, out) == (0, "new.csv: 0 labels filled in\n")
    status, _, err = run("label", "model", *DATA, "--format", form, "--out", "review.csv")
    assert status == 2
    assert "must end in .json" in re.sub(r"[\s│]+", " ", err)


def test_what_is_worth_most_is_asked_about_next(home, run):
    run("label", "model", *DATA, "--min-confidence", 0, "--order", "usefulness", "--out", "all.csv")
    status, out, _ = run("label", "model", *DATA, "--next", 3, "--out", "next.csv")
    assert status == 0
    assert out.startswith("next.csv: ")
    every, chosen = (
        [(row["image"], row["class"]) for row in read(home / name)]
        for name in ("all.csv", "next.csv")
    )
    assert chosen == every[:3]
    status, _, err = run("label", "model", *DATA, "--next", 3, "--only", "positive")
    assert status == 2
    assert "--next asks about what is least sure" in " ".join(err.replace("│", " ").split())
