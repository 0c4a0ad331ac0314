"""Lists of names within a cell: `tree; boat`, `["tree", "boat"]`, or a list as Python prints it."""

import ast
import json
import re
from typing import Any, Final

from trmml.data.readers.reading_options import Separator

__all__ = ["names_in_cell"]

_NOTHING: Final = frozenset({"", "[]", "nan", "none", "null"})
_SIGNS: Final[dict[Separator, str]] = {"auto": ";", "comma": ",", "space": " "}
_TWO_TEXTS: Final = re.compile(r"""['"]\s+['"]""")  # of NumPy, which Python would join


def names_in_cell(
    cell: str, *, separator: Separator = "auto", source: str, place: str
) -> list[str]:
    """Return the names that a cell lists.

    Args:
        cell: Names separated by `;` or `|`, or a list of texts in JSON or as Python prints it.
        separator: What else separates names: "comma" or "space"; "auto" for nothing else.
        source: Table to name in errors.
        place: Where in it the cell is.

    Raises:
        ValueError: If it begins as a list and is none of texts.

    Examples:
        >>> [names_in_cell(cell, source="", place="") for cell in ("a; b|c", '["a"]', "['a', 'b']")]
        [['a', 'b', 'c'], ['a'], ['a', 'b']]
    """
    cell = cell.strip()
    if cell.casefold() in _NOTHING:
        return []
    if not cell.startswith("["):
        cell = cell.replace("|", ";").replace(_SIGNS[separator], ";")
        return [part.strip() for part in cell.split(";") if part.strip()]
    found = _list(cell)
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise ValueError(
            f'{source}: {place}: must list names, such as `tree; boat` or `["tree", "boat"]`, got '
            f"{cell[:80]}."
        )
    return [name.strip() for name in found if name.strip()]


def _list(cell: str) -> Any:  # noqa: ANN401 - whatever the cell holds
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        pass
    if _TWO_TEXTS.search(cell):
        return None
    try:
        return ast.literal_eval(cell)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
