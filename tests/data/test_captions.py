import json
import logging
from pathlib import Path
from typing import Any

import pytest

from trmml.data import load_captions, with_synonyms

NAMES = ["dog", ["boat", "ship"], "zebra"]


def write(path: Path, content: Any) -> Path:  # noqa: ANN401
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


COCO = {
    "info": {},
    "images": [{"id": 1, "file_name": "1.jpg"}],
    "annotations": [
        {"image_id": 1, "id": 7, "caption": "A dog on\n a ship. "},
        {"image_id": 1, "id": 8, "caption": "Nobody."},
        {"image_id": 1, "id": 9, "caption": "Dogs"},
    ],
}
FILES: dict[str, Any] = {
    "lines.txt": "\ufeffA dog on a ship.\r\n\r\nNobody.\nDogs\n",
    "captions_train2014.json": COCO,
    "list.json": ["A dog on a ship.", "Nobody.", "", "Dogs"],
}


@pytest.mark.parametrize("name", FILES)
def test_captions_that_name_a_class_are_kept_in_order(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        table = load_captions(write(tmp_path / name, FILES[name]), NAMES)
    assert table.captions == ("A dog on a ship.", "Dogs")
    assert table.labels.tolist() == [[1, 1, -1], [1, -1, -1]]
    assert len(table) == 2
    assert "1 of 3 captions name no class" in caplog.text
    assert "no caption names 1 of 3 classes, such as 'zebra'" in caplog.text


def test_other_sentences_have_another_checksum(tmp_path: Path) -> None:
    texts = ["a dog\ntwo boats", "two boats\na dog", "a dog\ntwo boats\nnobody"]
    tables = [load_captions(write(tmp_path / "a.txt", text), NAMES) for text in texts]
    assert tables[0].sha256 != tables[1].sha256
    assert tables[0].sha256 == tables[2].sha256  # of what is learnt from


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("nobody\nnothing", r"must name the classes, such as 'dog', got none .* among 2"),
        ("", "the file is empty"),
        ({"annotations": [{"bbox": [0, 0, 1, 1]}]}, "must hold captions"),
        ({"annotations": ["a dog"]}, "must hold captions"),
        ({"images": []}, "must hold captions"),
        ([["a dog"]], "must hold captions"),
        ("[", "is no JSON"),
    ],
)
def test_a_file_of_another_kind_is_refused(content: Any, message: str, tmp_path: Path) -> None:  # noqa: ANN401
    text = isinstance(content, str) and content != "["
    path = write(tmp_path / ("a.txt" if text else "a.json"), content)
    with pytest.raises(ValueError, match=message):
        load_captions(path, NAMES)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"gone\.txt: the file does not exist"):
        load_captions(tmp_path / "gone.txt", NAMES)


def test_synonyms_are_added_behind_the_names_that_are_there() -> None:
    found = with_synonyms(NAMES, {"boat": ["ferry", "ship"]})
    assert found.plain == ["dog", ["boat", "ship", "ferry"], "zebra"]


def test_synonyms_of_no_class_are_refused() -> None:
    with pytest.raises(ValueError, match=r"of classes there are, got some of 'ship'; .* dog, boat"):
        with_synonyms(NAMES, {"ship": ["ferry"]})
