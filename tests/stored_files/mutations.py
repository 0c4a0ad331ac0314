"""Damage of every kind, the same in every run: to bytes, to JSON, and to headers of tensors."""

import copy
import json
from collections.abc import Iterator
from random import Random
from typing import Any

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 7, 2**31, 2**63, 10**12, 10**39, -0.5, 1e308, float("nan")),
    *(float("inf"), "", "x", "16", "../..", "\ud800", "a\nb", [], {}, [[]], [None], [1], {"a": 1}),
    *([0] * 9, {"name": []}, "tiny", "custom"),
)


def damaged_bytes(content: bytes, random: Random) -> bytes:
    """Return a file with some bytes flipped, cut off, moved, doubled, or set to nothing."""
    data = bytearray(content)
    start = random.randrange(len(data) if random.random() < 0.5 else min(len(data), 400))
    length = random.choice((1, 2, 8, 64))
    kind = random.randrange(6)
    if kind == 0:
        data[start] ^= 1 << random.randrange(8)
    elif kind == 1:
        del data[start:]
    elif kind == 2:
        del data[start : start + length]
    elif kind == 3:
        data[start:start] = random.randbytes(length)
    elif kind == 4:
        data[start : start + length] = bytes(len(data[start : start + length]))
    else:
        data[:8] = random.choice((0, 1, 2**16, 2**31, 2**60, 2**64 - 1)).to_bytes(8, "little")
    return bytes(data)


def damaged_json(content: Any, random: Random) -> Any:  # noqa: ANN401 - any JSON value
    """Return a JSON value in which one value is another, gone, or has company."""
    content = copy.deepcopy(content)
    holder, key = random.choice([*_places(content)])
    kind = random.randrange(8)
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, dict):
        holder[random.choice(("x", "", "config", "format", "options"))] = random.choice(VALUES)
    elif kind == 2 and isinstance(holder, list):
        holder.append(copy.deepcopy(holder[key]))
    else:
        holder[key] = copy.deepcopy(random.choice(VALUES))
    return content


def damaged_header(content: bytes, random: Random) -> bytes:
    """Return a safetensors file with damage in what its header says, and a length that fits."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    text = json.dumps(damaged_json(header, random)).encode()
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


def _places(content: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401
    keys = content if isinstance(content, dict) else range(len(content))
    for key in list(keys):
        yield content, key
        if isinstance(content[key], dict | list):
            yield from _places(content[key])
