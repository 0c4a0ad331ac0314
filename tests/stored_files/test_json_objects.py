"""JSON from elsewhere is read as it is meant, or refused in one line that names the file."""

import os
from pathlib import Path

import pytest

from trmml.stored_files import parse_json, read_json, require_kinds


def read(path: Path, content: bytes) -> dict[str, object]:
    path.write_bytes(content)
    return read_json(path, what="a card")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_an_object_is_read_whatever_it_holds(tmp_path: Path, mark: bytes) -> None:
    content = (
        '{"größe": [1, -2.5, null, true, "木"], "bits": 340282366920938463463374607431768211455}'
    )
    assert read(tmp_path / "card.json", mark + content.encode()) == {
        "größe": [1, -2.5, None, True, "木"],
        "bits": 2**128 - 1,
    }


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", r"no JSON \(line 1: Expecting value\)"),
        (b'{\n"a": }', r"no JSON \(line 2: Expecting value\)"),
        (b"\xff\xfe{", "what is not UTF-8 at byte 0"),
        (b"[1]", "a list in place of an object"),
        (b"true", "true or false in place of an object"),
        (b'{"a": 1, "a": 1}', "the key 'a' twice"),
        (b'{"a": {"b": 1, "b": 2}}', "the key 'b' twice"),
        (b'{"a": NaN}', "'NaN', which is not a finite number"),
        (b'{"a": -Infinity}', "'-Infinity', which is not a finite number"),
        (b'{"a": 1e999}', "'1e999', which is not a finite number"),
        (b'{"a": ' + b"9" * 5000 + b"}", "a number of 5000 digits"),
        (b"[" * 200_000, "JSON of lists within lists without end"),
        (b'{"a":' * 200_000, "JSON of lists within lists without end"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "card.json"
    with pytest.raises(ValueError, match=rf"card.json must be a card, got {reason}; it is") as e:
        read(path, content)
    assert "\n" not in str(e.value)


def test_a_file_of_absurd_size_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "card.json"
    with path.open("wb") as file:
        file.truncate(2**40)  # a sparse file, which takes no room on the disk
    with pytest.raises(ValueError, match="1,099,511,627,776 bytes of JSON, more than any has"):
        read_json(path, what="a card")


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="this is a pipe, not a file"):
        read_json(tmp_path / "pipe", what="a card")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        read_json(tmp_path / "nowhere", what="a card")


def test_nan_is_taken_where_it_is_meant() -> None:
    found = parse_json('{"a": [NaN, -Infinity]}', where="x", what="a state", allow_nan=True)
    assert str(found) == "{'a': [nan, -inf]}"


KINDS = {"rows": int, "share": (float, None), "names": list}


@pytest.mark.parametrize("share", [0.5, 1, None])
def test_the_right_kinds_are_taken(share: float | None) -> None:
    content = {"rows": 3, "share": share, "names": [], "more": 1}
    require_kinds(content, KINDS, where="m", what="a mask")
    del content["names"]
    require_kinds(content, KINDS, where="m", what="a mask", optional=("names",))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"rows": "3"}, "text for 'rows', which must be a whole number"),
        ({"rows": 3.0}, "a number for 'rows', which must be a whole number"),
        ({"rows": True}, "true or false for 'rows', which must be a whole number"),
        ({"rows": None}, "null for 'rows', which must be a whole number"),
        ({"share": "x"}, "text for 'share', which must be a number or null"),
        ({"share": False}, "true or false for 'share', which must be a number or null"),
        ({"names": {}}, "an object for 'names', which must be a list"),
    ],
)
def test_other_kinds_are_named(changes: dict[str, object], reason: str) -> None:
    content = {"rows": 3, "share": 0.5, "names": [], **changes}
    with pytest.raises(ValueError, match=f"m must be a mask, got {reason}; mend it."):
        require_kinds(content, KINDS, where="m", what="a mask", remedy="mend it")


def test_a_missing_key_is_named() -> None:
    with pytest.raises(ValueError, match="got none with the key 'share'"):
        require_kinds({"rows": 1, "names": []}, KINDS, where="m", what="a mask")
    with pytest.raises(ValueError, match="got a list in place of an object"):
        require_kinds([], KINDS, where="m", what="a mask")
