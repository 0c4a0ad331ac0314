"""Read JSON that came from elsewhere: whole and of the kinds expected, or one clear line."""

import json
import os
from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

from trmml.regular_files import require_regular_file

__all__ = ["kind_of", "parse_json", "read_json", "require_kinds"]

LARGEST_FILE: Final = 2**26  # bytes; no card comes near
LONGEST_NUMBER: Final = 40  # digits; one of 128 bits has 39
AGAIN: Final = "it is damaged or was changed, take it again from where it was written"
_NAMES: Final = {
    dict: "an object",
    list: "a list",
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    type(None): "null",
}


def read_json(path: str | os.PathLike[str], *, what: str, remedy: str = AGAIN) -> dict[str, Any]:
    """Return the object in a JSON file.

    Args:
        path: Of the file, in UTF-8.
        what: That it should be, for the message, such as "a model card".
        remedy: What to do, likewise.

    Raises:
        FileNotFoundError: If nothing is there.
        ValueError: If it is no plain file, or as `parse_json`.
        OSError: If it cannot be read.

    Examples:
        >>> from pathlib import Path
        >>> _ = Path("card.json").write_text('{"format": 2, "format": 3}')
        >>> read_json("card.json", what="a card")
        Traceback (most recent call last):
            ...
        ValueError: card.json must be a card, got the key 'format' twice; it is damaged or was \
changed, take it again from where it was written.
    """
    path = require_regular_file(path)
    if (size := path.stat().st_size) > LARGEST_FILE:
        raise _refusal(path, what, remedy, f"{size:,} bytes of JSON, more than any has")
    return parse_json(path.read_bytes(), where=path, what=what, remedy=remedy)


def parse_json(
    text: str | bytes,
    *,
    where: str | os.PathLike[str],
    what: str,
    remedy: str = AGAIN,
    allow_nan: bool = False,
) -> dict[str, Any]:
    """Return the object that a JSON text holds.

    Args:
        text: The text; bytes are UTF-8.
        where: The file it is from, for the message.
        what: That it should be, likewise.
        remedy: What to do, likewise.
        allow_nan: Whether numbers may be nan or infinite.

    Raises:
        ValueError: If it is no JSON or no object, if a key is there twice, or if a number has more
            digits than any that is meant.

    Examples:
        >>> parse_json('{"rows": 3}', where="labels.mask", what="a label mask")
        {'rows': 3}
    """
    finite = None if allow_nan else _finite
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        content = json.loads(
            text,
            object_pairs_hook=_without_twins,
            parse_int=_whole_number,
            parse_float=finite,
            parse_constant=finite,
        )
    except RecursionError:
        raise _refusal(where, what, remedy, "JSON of lists within lists without end") from None
    except UnicodeDecodeError as error:
        raise _refusal(where, what, remedy, f"what is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise _refusal(where, what, remedy, f"no JSON (line {error.lineno}: {error.msg})") from None
    except ValueError as error:
        raise _refusal(where, what, remedy, str(error)) from None
    if not isinstance(content, dict):
        raise _refusal(where, what, remedy, f"{kind_of(content)} in place of an object")
    return content


def require_kinds(
    content: object,
    kinds: Mapping[str, type | tuple[type | None, ...]],
    *,
    where: str | os.PathLike[str],
    what: str,
    remedy: str = AGAIN,
    optional: tuple[str, ...] = (),
) -> None:
    """Refuse an object in which a key is missing or holds another kind of value.

    Args:
        content: What was read.
        kinds: Kinds that each key may have; None among them is null. True is no whole number, and a
            whole number will do where a number is asked for.
        where: The file, for the message.
        what: That it should be, likewise.
        remedy: What to do, likewise.
        optional: Keys that may be missing.

    Raises:
        ValueError: At the first such key.

    Examples:
        >>> kinds = {"rows": int, "seed": (int, None)}
        >>> require_kinds({"rows": 3, "seed": None}, kinds, where="a.mask", what="a label mask")
        >>> require_kinds({"rows": True, "seed": 1}, kinds, where="a.mask", what="a label mask")
        Traceback (most recent call last):
            ...
        ValueError: a.mask must be a label mask, got true or false for 'rows', which must be a \
whole number; it is damaged or was changed, take it again from where it was written.
    """
    if not isinstance(content, dict):
        raise _refusal(where, what, remedy, f"{kind_of(content)} in place of an object")
    for key, kind in kinds.items():
        allowed = {
            type(None) if one is None else one
            for one in (kind if isinstance(kind, tuple) else (kind,))
        }
        if key not in content:
            if key in optional:
                continue
            raise _refusal(where, what, remedy, f"none with the key {key!r}")
        found = type(content[key])
        if found not in allowed and not (found is int and float in allowed):
            wanted = " or ".join(_NAMES[one] for one in allowed)
            shown = f"{kind_of(content[key])} for {key!r}, which must be {wanted}"
            raise _refusal(where, what, remedy, shown)


def kind_of(value: object) -> str:
    """Say what kind of JSON value something is, such as "a whole number"."""
    return _NAMES.get(type(value), type(value).__name__)


def _refusal(where: str | os.PathLike[str], what: str, remedy: str, reason: str) -> ValueError:
    return ValueError(f"{os.fspath(where)} must be {what}, got {reason}; {remedy}.")


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twin = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise ValueError(f"the key {_shown(twin)} twice")
    return found


def _whole_number(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"{_shown(text)}, which is not a finite number")
    return value


def _shown(text: str) -> str:
    return repr(text if len(text) <= LONGEST_NUMBER else f"{text[:LONGEST_NUMBER]}...")
