"""Say what is wrong with a configuration, in words that help to mend it."""

import json
import types
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, Final, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from trmml.choices import nearest_name

__all__ = ["Layer", "explain"]

_ALSO_CALLED: Final = {"learning_rate": "max_lr"}

_WORDS: Final = {
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    bool: ("true or false", "trues or falses"),
    str: ("text", "texts"),
    type(None): ("null", "nulls"),
}


class Layer(NamedTuple):
    """Settings and where they came from.

    Attributes:
        origin: A file, or an override.
        values: The settings, nested.
    """

    origin: str
    values: Mapping[str, Any]


def explain(
    errors: Sequence[Mapping[str, Any]], root: type, merged: Mapping[str, Any], layers: list[Layer]
) -> str:
    """Turn pydantic's errors into one message, one line for each wrong setting.

    Args:
        errors: As `ValidationError.errors()` lists them.
        root: The dataclass that was to be filled.
        merged: The values it was to be filled with.
        layers: Where these came from, the strongest last.
    """
    lines: dict[tuple[str, ...], str] = {}
    for error in errors:
        path, annotation = _setting(root, error["loc"])
        dotted = ".".join(path)
        if error["type"] == "unexpected_keyword_argument":
            problem = f"`{dotted}` is no setting; {_advice(root, path)}"
        elif error["type"] == "value_error":
            problem = f"{dotted}: {error['ctx']['error']}" if path else str(error["ctx"]["error"])
        else:
            allowed = _allowed(annotation)
            problem = f"`{dotted}` must be {allowed}, got {_shown(_find(merged, path))}."
        lines.setdefault(path, f"{_origin(layers, path) or merged['name']}: {problem}")
    if len(lines) == 1:
        return next(iter(lines.values()))
    return "\n  ".join([f"{len(lines)} problems:", *lines.values()])


def _setting(root: type, location: Sequence[str | int]) -> tuple[tuple[str, ...], Any]:
    """Cut pydantic's location, which goes into unions and lists, at the setting."""
    path: list[str] = []
    kind: Any = root
    for key in location:
        if not is_dataclass(kind):
            break
        path.append(str(key))
        kind = _group(get_type_hints(kind).get(str(key)))
    return tuple(path), kind


def _advice(root: type, path: tuple[str, ...]) -> str:
    *sections, name = path
    here: Any = root
    for section in sections:
        here = _group(get_type_hints(here)[section])
    prefix = ".".join([*sections, ""])
    known = [field.name for field in fields(here)]
    name = _ALSO_CALLED.get(name, name)
    if near := nearest_name(name, known):
        return f"did you mean `{prefix}{near}`?"
    everywhere = {dotted.rpartition(".")[2]: dotted for dotted in _dotted(root)}
    if near := nearest_name(name, everywhere, cutoff=0.8):
        return f"did you mean `{everywhere[near]}`?"
    return f"known are {', '.join(f'`{prefix}{one}`' for one in known)}."


def _dotted(kind: Any, prefix: str = "") -> list[str]:  # noqa: ANN401 - a type
    names = []
    for name, annotation in get_type_hints(kind).items():
        if is_dataclass(group := _group(annotation)):
            names += _dotted(group, f"{prefix}{name}.")
        names.append(prefix + name)
    return names


def _group(annotation: Any) -> Any:  # noqa: ANN401 - an annotation
    """Return the dataclass of a group that may be null; anything else as it is."""
    groups = [option for option in get_args(annotation) if is_dataclass(option)]
    return groups[0] if groups else annotation


def _allowed(annotation: Any) -> str:  # noqa: ANN401 - an annotation
    if is_dataclass(annotation):
        return "a group of settings"
    if get_origin(annotation) is Literal:
        *others, last = (repr(value) for value in get_args(annotation))
        return f"{', '.join(others)} or {last}" if others else last
    if get_origin(annotation) in (Union, types.UnionType):
        options = get_args(annotation)
        names = [name for option in options for name in get_args(option) if _is_choice(option)]
        rest = [_allowed(option) for option in options if not _is_choice(option)]
        return " or ".join(([_allowed(Literal[tuple(names)])] if names else []) + rest)
    if get_origin(annotation) is dict:
        listed = get_origin(get_args(annotation)[1]) in (tuple, list)
        return "lists as `name: [word, word]`" if listed else "settings as `name: value`"
    if get_origin(annotation) is tuple:
        first, *others = get_args(annotation)
        count = "" if others == [...] else f"{1 + len(others)} "
        return f"a list of {count}{_WORDS[first][1]}"
    return _WORDS[annotation][0]


def _is_choice(annotation: Any) -> bool:  # noqa: ANN401 - an annotation
    return get_origin(annotation) is Literal


def _find(values: Mapping[str, Any], path: tuple[str, ...]) -> Any:  # noqa: ANN401
    found: Any = values
    for key in path:
        found = found[key]
    return found


def _shown(value: Any) -> str:  # noqa: ANN401 - anything read from a file
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _origin(layers: list[Layer], path: tuple[str, ...]) -> str | None:
    """Name the strongest layer that sets this, or else the strongest that touches its section."""
    for length in range(len(path), 0, -1):
        for layer in reversed(layers):
            found: Any = layer.values
            for key in path[:length]:
                found = found.get(key, _ABSENT) if isinstance(found, Mapping) else _ABSENT
            if found is not _ABSENT:
                return layer.origin
    return None


_ABSENT: Final = object()
