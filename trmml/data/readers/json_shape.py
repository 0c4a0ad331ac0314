"""Tell formats in JSON apart by what their first record holds, looking into a file once."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from trmml.data.readers.json_parts import skim_json

__all__ = ["JsonShape", "json_shape"]


class JsonShape(NamedTuple):
    """What is in a JSON file.

    Attributes:
        keys: Of the outermost object; none if it is a list.
        first: Keys of the first record, where the file is a list of records.
    """

    keys: frozenset[str]
    first: frozenset[str]


def json_shape(path: Path) -> JsonShape:
    """Look into a file; one that is no JSON file, or no JSON, has no keys.

    Args:
        path: The file.
    """
    if path.suffix.lower() != ".json" or not path.is_file():
        return JsonShape(frozenset(), frozenset())
    state = path.stat()
    return _shape(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=8)
def _shape(path: Path, _changed: int, _size: int) -> JsonShape:
    try:
        content = skim_json(path)
    except ValueError:
        content = None  # whoever reads the file will say what is wrong with it
    first = content[0] if isinstance(content, list) and content else None
    return JsonShape(_keys(content), _keys(first))


def _keys(value: Any) -> frozenset[str]:  # noqa: ANN401 - whatever the file holds
    return frozenset(value) if isinstance(value, Mapping) else frozenset()
