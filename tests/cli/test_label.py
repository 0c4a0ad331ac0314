import csv
import json

import pytest

from trmml.data import load_table, open_split

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
