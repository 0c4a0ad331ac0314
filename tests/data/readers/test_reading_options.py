import json

import pytest

from trmml.data import ReadingOptions, check_splits, find_splits, open_split


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["blank"], "`--read` must be a name and a value, such as blank=negative, got 'blank'"),
        (["blank="], "must be a name and a value"),
        (["blnk=negative"], "`--read` must be one of 'zero', .*; did you mean 'blank'"),
        (["blank=no"], "`blank` must be one of 'auto', 'negative', 'unknown', got 'no'"),
        (["blank=negative", "blank=unknown"], "must name each option once, got 'blank' twice"),
        (["encoding=utf-9"], "`encoding` must be a text encoding that Python knows, .*'utf-9'"),
        (["encoding=base64"], "`encoding` must be a text encoding"),
        (["encoding=a\0b"], "`encoding` must be a text encoding"),
    ],
)
def test_what_is_no_reading_option_is_refused(no_shape_checks, texts, message):
    with pytest.raises(ValueError, match=message):
        ReadingOptions.parse(texts)


def test_what_was_said_is_given_to_the_reader(tmp_path):
    (tmp_path / "labels.csv").write_bytes("image,café\na.jpg,1\nb.jpg,\n".encode("cp1252"))
    reading = ReadingOptions.parse(["blank=negative", "encoding=cp1252"])
    for path in (tmp_path / "labels.csv", tmp_path):
        _, table = open_split(path, reading=reading)
        assert table.class_names == ("café",)
        assert table.labels.tolist() == [[1], [-1]]
        (report,) = check_splits(path, reading=reading, fast=True)
        assert (report.known, report.rows) == (1.0, 2)


def test_a_published_list_says_what_is_unlisted_or_is_told(tmp_path):
    (tmp_path / "voc_train_singlelabel.txt").write_text("1.jpg, 0\n")
    path = tmp_path / "voc_train_singlelabel.txt"
    assert open_split(path)[1].labels.sum() == 1
    _, table = open_split(path, reading=ReadingOptions(unlisted="negative"))
    assert table.labels.sum() == 1 - 19


def test_an_option_that_the_format_does_not_take_is_refused(tmp_path):
    export = {"images": [], "annotations": [], "categories": []}
    (tmp_path / "export.json").write_text(json.dumps(export))
    (tmp_path / "labels.csv").write_text("image,cat\na.jpg,1\n")
    for name, option in (("export.json", "blank"), ("labels.csv", "without_file")):
        reading = ReadingOptions.parse([f"{option}=negative"])
        for look in (find_splits, check_splits, open_split):
            with pytest.raises(ValueError, match=rf"{name}: `{option}` is no reading option of"):
                look(tmp_path / name, reading=reading)
