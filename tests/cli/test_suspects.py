import csv
import json
from pathlib import Path

import pytest

from trmml.data import open_split, write_table


def sheet(path: str):
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


ASK = ["data", "suspects", "labels.csv", "--images", "photos", "--model", "model", "--folds", "3"]


def labels():
    return open_split(Path("labels.csv"), None, images=Path("photos"))[1]


def test_known_labels_are_printed_as_in_the_file_and_json(home, run):
    status, printed, said = run(*ASK, "--out", "suspects.csv")
    known = {(table_name, name) for table_name, name, label in cells(labels()) if label != 0}
    lines = sheet("suspects.csv")
    assert status == 0
    assert "known labels looked at" in said
    assert "data merge labels.csv suspects.csv --correct" in said
    assert len(printed.splitlines()) == 1 + len(lines)
    assert {(line["image"], line["class"]) for line in lines} <= known
    for line, shown in zip(lines, printed.splitlines()[1:], strict=True):
        assert shown.startswith(line["image"])
        assert f"{-int(line['label']):+d}" in shown
    status, printed, said = run(*ASK, "--json", "--quiet", "--top-k", 4)
    told = json.loads(printed)
    assert (status, said, len(told)) == (0, "", 4)
    for one, line in zip(told, lines, strict=False):
        assert (one["image"], one["class"], -one["given"]) == (
            line["image"], line["class"], int(line["label"]),
        )  # fmt: skip


def cells(table):
    for row, name in enumerate(table.names):
        for column, class_name in enumerate(table.class_names):
            yield name, class_name, int(table.labels[row, column])


def test_accepted_corrections_go_into_a_new_table(home, run):
    run(*ASK, "--out", "suspects.csv")
    text = Path("suspects.csv").read_text("utf-8-sig").splitlines()
    Path("suspects.csv").write_text("\n".join([text[0], text[1] + "yes", *text[2:]]) + "\n")
    line = sheet("suspects.csv")[0]
    merge = ["data", "merge", "labels.csv", "suspects.csv", "--images", "photos"]
    status, _, said = run(*merge, "--out", "refused.csv")
    assert status == 2
    assert "add --correct" in said
    status, printed, _ = run(*merge, "--out", "new.csv", "--correct")
    assert (status, printed) == (0, "new.csv: 0 labels filled in, 1 corrected\n")
    _, table = open_split(Path("new.csv"), None, images=Path("photos"))
    changed = [new for new, old in zip(cells(table), cells(labels()), strict=True) if new != old]
    assert changed == [(line["image"], line["class"], int(line["label"]))]


def test_towers_can_be_those_of_a_configuration(home, run):
    ask = [*ASK[:5], "--config", "tiny", "--top-k", 2, "--folds", 2]
    status, printed, _ = run(*ask)
    assert status == 0
    assert len(printed.splitlines()) == 3
    status, printed, said = run(*ASK[:5], "--config", "papr")
    assert (status, printed) == (2, "")
    assert "papr" in said


def test_a_class_that_teaches_nothing_and_a_damaged_image_are_named(home, run):
    table = labels()
    known = table.labels.clone()
    known[:, 1] = known[:, 1].abs()
    write_table(table.replace(labels=known), "labels.csv")
    Path("photos", table.names[2]).write_bytes(b"no image")
    status, _, said = run(*ASK)
    assert status == 1
    assert table.names[2] in said
    assert f"only one kind of label is known: {table.class_names[1]}" in said


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--folds", "99"], "no more than there are images, got 99 for 7 images"),
        (["--out", "labels.csv"], "labels.csv"),
        (["--top-k", "0"], "top-k"),
        (["--config", "tiny"], "--model and --config both name towers"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(home, run, extra, message):
    status, printed, said = run(*ASK, *extra)
    assert (status, printed) == (2, "")
    assert message in said
