import unicodedata

import pytest
import torch

from tests.prediction.photographs import NAMES, small_model, table_of, write_pictures
from trmml.prediction import merge_review, propose_labels, write_review


@pytest.fixture
def table(tmp_path):
    return table_of(tmp_path, write_pictures(tmp_path))


def key(table, row, column):
    return table.names[row], NAMES[column]


@pytest.fixture
def review(table, tmp_path):
    """Write a review of all unknown labels with some answers; return its path."""

    def write(*answers: str):
        found = propose_labels(small_model(), table, min_confidence=0)
        path = tmp_path / "review.csv"
        write_review(found, path)
        head, *lines = path.read_text(encoding="utf-8-sig").splitlines()
        for place, answer in enumerate(answers):
            lines[place] += answer
        path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
        return found, path

    return write


def test_only_what_is_accepted_is_filled_in(table, review):
    found, path = review("yes", "no", "X", "", "n")
    merged = merge_review(table, path)
    assert (merged.accepted, merged.open) == (2, len(found) - 2)
    changed = (merged.table.labels != table.labels).nonzero().tolist()
    assert {
        key(table, row, column): int(merged.table.labels[row, column]) for row, column in changed
    } == {(one.image, one.class_name): one.label for one in (found[0], found[2])}


def test_a_corrected_label_is_taken_as_it_stands(table, review, tmp_path):
    found, path = review("yes")
    old = f",{found[0].label},"
    text = path.read_text(encoding="utf-8").split("\n")
    text[1] = text[1].replace(old, f",{-found[0].label},")
    path.write_text("\n".join(text), encoding="utf-8")
    row, column = table.names.index(found[0].image), NAMES.index(found[0].class_name)
    assert merge_review(table, path).table.labels[row, column] == -found[0].label


def test_merging_twice_is_merging_once(table, review):
    _, path = review("yes", "1")
    once = merge_review(table, path)
    twice = merge_review(once.table, path)
    assert torch.equal(once.table.labels, twice.table.labels)
    assert twice.accepted == 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('"0, ö.png",sea,1,,,perhaps', "line 2: `accept` must be yes, no or empty, got 'perhaps'"),
        ("gone.png,sea,1,,,yes", "line 2: the table has no image 'gone.png'"),
        ('"0, ö.png",dog,1,,,yes', "line 2: the table has no class 'dog'"),
        ('"0, ö.png",sea,2,,,yes', "line 2: `label` must be 1 or -1, got '2'"),
        ("gone.png,sea,1,,,", "line 2: the table has no image 'gone.png'"),
        ('0.png",sea,1,,,yes\n1.png,"sea,1,,,yes\n2.png,sea,1,,,yes', "line 3 is no CSV"),
        ('"0, ö.png,sea,1,,,yes\n1.png,sea,1,,,yes', "line 2 is no CSV"),
        ('"0, ö.png",sea,1,,yes', "line 2 has 5 cells, the first line 6"),
    ],
)
def test_a_line_that_makes_no_sense_is_named(table, tmp_path, line, message):
    path = tmp_path / "review.csv"
    path.write_text(f"image,class,label,probability,source,accept\n{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        merge_review(table, path)


def test_a_known_label_is_never_contradicted(table, tmp_path):
    row, column = (table.labels == 1).nonzero()[0].tolist()
    path = tmp_path / "review.csv"
    image = table.names[row]
    path.write_text(f'image,class,label,accept\n"{image}","{NAMES[column]}",-1,y\n', "utf-8")
    with pytest.raises(ValueError, match=r"line 2: .* is labelled for .* already, and otherwise"):
        merge_review(table, path)


def test_known_labels_are_turned_round_only_where_that_is_asked_for(table, tmp_path):
    row, column = (table.labels == 1).nonzero()[0].tolist()
    other, unknown = (table.labels == 0).nonzero()[0].tolist()
    path = tmp_path / "suspects.csv"
    lines = [
        f'"{table.names[row]}","{NAMES[column]}",-1,y',
        f'"{table.names[row]}","{NAMES[column]}",-1,y',  # said twice, done once
        f'"{table.names[other]}","{NAMES[unknown]}",1,y',
    ]
    path.write_text("\n".join(["image,class,label,accept", *lines]) + "\n", "utf-8")
    merged = merge_review(table, path, correct=True)
    assert (merged.corrected, merged.accepted, merged.open) == (1, 1, 0)
    assert merged.table.labels[row, column] == -1
    assert table.labels[row, column] == 1
    again = merge_review(merged.table, path, correct=True)
    assert (again.corrected, again.accepted) == (0, 0)


def test_answers_that_contradict_each_other_are_never_taken(table, tmp_path):
    row, column = (table.labels == 1).nonzero()[0].tolist()
    path = tmp_path / "suspects.csv"
    lines = [f'"{table.names[row]}","{NAMES[column]}",{label},y' for label in (-1, 1)]
    path.write_text("\n".join(["image,class,label,accept", *lines]) + "\n", "utf-8")
    with pytest.raises(ValueError, match=r"line 3: .* are accepted twice in this file"):
        merge_review(table, path, correct=True)


def test_a_column_that_is_missing_is_named(table, tmp_path):
    (tmp_path / "review.csv").write_text("image,label\n")
    with pytest.raises(ValueError, match="there is no column accept, class"):
        merge_review(table, tmp_path / "review.csv")


def test_names_are_matched_however_they_are_spelt(table, tmp_path):
    row, column = (table.labels == 0).nonzero()[0].tolist()
    path = tmp_path / "review.csv"
    image = unicodedata.normalize("NFD", table.names[row])
    path.write_text(
        f'image,class,label,accept\n".\\{image}"," {NAMES[column]}\u200b",1,yes\n', "utf-8"
    )
    assert merge_review(table, path).table.labels[row, column] == 1
