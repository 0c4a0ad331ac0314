"""Safetensors from elsewhere are read whole, or refused in one line that names the file."""

import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from trmml.stored_files import is_safetensors, read_tensors, require_finite

TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([1, 2], dtype=torch.uint8)}


def with_header(
    path: Path, header: object, data: bytes = b"", *, length: int | None = None
) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes((len(text) if length is None else length).to_bytes(8, "little") + text + data)
    return path


def entry(kind: str, shape: list[int], start: int, stop: int) -> dict[str, object]:
    return {"dtype": kind, "shape": shape, "data_offsets": [start, stop]}


@pytest.mark.parametrize("name", ["w.safetensors", "w.bin", "w"])
def test_tensors_and_text_come_back_whatever_the_name(tmp_path: Path, name: str) -> None:
    save_file(TENSORS, tmp_path / name, {"trmml": "größe"})
    tensors, metadata = read_tensors(tmp_path / name)
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[name], value) for name, value in TENSORS.items())
    assert metadata == {"trmml": "größe"}
    assert is_safetensors(tmp_path / name)


LIES = {
    "empty": (b"", None),
    "a bomb of a length": (b"{}", 2**60),
    "a length beyond the file": (b"{}", 3),
    "no JSON": (b"<html>", None),
    "a list": (b"[]", None),
    "depth": (b"[" * 100_000, None),
    "a name twice": (
        b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
        b'"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
        None,
    ),
    "a kind unknown": ({"a": entry("F12", [1], 0, 1)}, None),
    "a kind that torch has not": ({"a": entry("F6_E2M3", [4], 0, 3)}, None),
    "overlap": ({"a": entry("U8", [1], 0, 1), "b": entry("U8", [1], 0, 1)}, None),
    "a hole": ({"a": entry("U8", [1], 3, 4)}, None),
    "beyond the end": ({"a": entry("F64", [2**40], 0, 2**43)}, None),
    "shape and bytes": ({"a": entry("F32", [7], 0, 1)}, None),
    "an overflow": ({"a": entry("F32", [2**62, 2**62], 0, 1)}, None),
    "a negative size": ({"a": entry("F32", [-1], 0, 1)}, None),
    "a huge empty shape": ({"a": entry("F32", [2**63 - 1, 0, 2**63 - 1], 0, 0)}, None),
    "a number for text": ({"__metadata__": {"a": 1}}, None),
    "a number of 5,000 digits": (b'{"a": ' + b"1" * 5000 + b"}", None),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_header_that_lies_is_refused_in_one_line(tmp_path: Path, lie: str) -> None:
    header, length = LIES[lie]
    path = with_header(
        tmp_path / "w.safetensors", header, bytes(3 if "torch" in lie else 1), length=length
    )
    with pytest.raises(ValueError, match=r"w\.safetensors must be a whole safetensors file") as e:
        read_tensors(path)
    assert "\n" not in str(e.value)
    assert len(str(e.value)) < len(str(path)) + 400


@pytest.mark.parametrize("kept", [0, 7, 8, 40, -1])
def test_a_file_cut_short_is_refused(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "w.safetensors"
    save_file(TENSORS, path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match="must be a whole safetensors file, got"):
        read_tensors(path)


def test_a_file_larger_than_memory_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = with_header(tmp_path / "w.safetensors", {"a": entry("U8", [2**43], 0, 2**43)})
    with path.open("r+b") as file:
        file.truncate(2**43 + path.stat().st_size)
    with pytest.raises(ValueError, match=r"more than the [0-9,]+ of this memory"):
        read_tensors(path)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="this is a pipe, not a file"):
        read_tensors(tmp_path / "pipe")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        read_tensors(tmp_path / "nowhere")


@pytest.mark.parametrize("content", [b"", b"\x80\x02}", b"PK\x03\x04" + bytes(99)])
def test_other_files_are_told_apart(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "w").write_bytes(content)
    assert not is_safetensors(tmp_path / "w")


@pytest.mark.parametrize(
    "dtype",
    [torch.float64, torch.float16, torch.bfloat16, torch.complex64, torch.float8_e5m2],
)
@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_a_weight_that_is_not_finite_is_named(dtype: torch.dtype, value: float) -> None:
    good = {"a": torch.ones(2, 3).to(dtype), "n": torch.tensor([2**40])}
    require_finite(good, path="w")
    bad = torch.ones(2, 3)
    bad[1, 1] = value
    with pytest.raises(ValueError, match=r"w must hold finite weights, got 1 of 6 .*'b\.c'"):
        require_finite({**good, "b.c": bad.to(dtype)}, path="w")
