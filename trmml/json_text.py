"""JSON that any reader takes: UTF-8, and null where there is no number."""

import json
from math import isfinite
from typing import Any

__all__ = ["json_text"]


def json_text(value: Any, *, indent: int | None = None) -> str:  # noqa: ANN401 - plain values
    """Write plain values as JSON; nan and infinity, which JSON does not know, as null.

    Args:
        value: Mappings, lists, texts, numbers, truth values and None.
        indent: Spaces a level; None writes one line.

    Examples:
        >>> json_text({"mAP": float("nan"), "name": "Bäume"})
        '{"mAP": null, "name": "Bäume"}'
    """
    return json.dumps(_finite(value), indent=indent, ensure_ascii=False, allow_nan=False)


def _finite(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return value
