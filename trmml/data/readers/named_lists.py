"""Images that list their labels by name: positives, negatives, everything else by rule."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Int

from trmml.data.readers.dataset_files import parse_json
from trmml.data.readers.table_columns import is_name_heading

__all__ = ["from_records", "joined_by_spaces", "parse_records"]


def from_records(
    records: list[dict[str, Any]],
    *,
    source: str,
    unlisted: str,
    class_names: Sequence[str] | None,
) -> tuple[Int[np.ndarray, "rows classes"], list[str]]:
    """Turn records of `positives` and `negatives` into labels and class names.

    Args:
        records: The records; `where` names the place of each in errors.
        source: File to name in errors.
        unlisted: What a class is that an image does not list: "auto", "negative" or "unknown".
        class_names: Classes in their order; by default those listed, in alphabetical order.

    Raises:
        ValueError: If the records list a class that is not in `class_names` or as both, join
            several others by commas to one, or leave open what an unlisted class is.
    """
    places = [record["where"] for record in records]
    if unlisted == "auto":
        if not any("negatives" in record for record in records):
            raise ValueError(
                f'{source}: nothing says which labels are negative; pass `unlisted="negative"` if '
                'each image lists all it shows, and `unlisted="unknown"` if it lists only some, on '
                "the command line `--read unlisted=negative` or `--read unlisted=unknown`."
            )
        unlisted = "unknown"
    lists = [(record.get("positives", []), record.get("negatives", [])) for record in records]
    listed = sorted({name for pair in lists for part in pair for name in part})
    classes = list(class_names) if class_names is not None else listed
    if not classes:
        raise ValueError(f"{source}: no class is listed anywhere.")
    if class_names is None:
        _refuse_joined(classes, source)
    column = {name: index for index, name in enumerate(classes)}
    labels = np.full((len(records), len(classes)), -1 if unlisted == "negative" else 0, np.int8)
    for row, (place, pair) in enumerate(zip(places, lists, strict=True)):
        both = sorted(set(pair[0]) & set(pair[1]))
        if both:
            raise ValueError(f"{source}: {place} lists {both[0]!r} as positive and as negative.")
        for part, value in zip(pair, (1, -1), strict=True):
            for name in part:
                if name not in column:
                    raise ValueError(
                        f"{source}: {place} lists the unknown class {name!r}; the classes are "
                        f"{', '.join(classes[:10])}{', ...' if len(classes) > 10 else ''}."
                    )
                labels[row, column[name]] = value
    return labels, classes


def joined_by_spaces(classes: Sequence[str]) -> str | None:
    """Return a class that may be several, of which each word is in another class too.

    Args:
        classes: Names of classes.

    Examples:
        >>> joined_by_spaces(["clear primary", "clear", "primary water", "boat"])
        'clear primary'
        >>> joined_by_spaces(["fishing boat", "boat"])
    """
    words = Counter(word for name in classes for word in set(name.split()))
    several = (name for name in classes if " " in name)
    return next((one for one in several if all(words[word] > 1 for word in one.split())), None)


def _refuse_joined(classes: list[str], source: str) -> None:
    """Refuse a class that is a list of others, which a comma separates where `;` or `|` should."""
    parts = {name: [part.strip() for part in name.split(",") if part.strip()] for name in classes}
    joined = {name: found for name, found in parts.items() if len(found) > 1}
    for name, found in joined.items():
        for part in found:
            others = (one for one in classes if one != name and part in parts[one])
            if (other := next(others, None)) is not None:
                raise ValueError(
                    f"{source}: lists {name!r} as one class beside {other!r}; if commas separate "
                    'names, say `separator="comma"`, on the command line `--read separator=comma`; '
                    "if not, write names without commas."
                )


def parse_records(text: str, *, source: str) -> tuple[list[Any], list[str] | None]:
    """Return the records of a JSON text, and its `class_names` where it has them.

    Args:
        text: A list of records, or an object with it as `images`.
        source: File to name in errors.

    Raises:
        ValueError: If it is no JSON, or neither of these.
    """
    text = text.removeprefix("\ufeff")
    data = parse_json(text, source=source, place="line {line}, column {column}")
    got, stated = _described(data), None
    if isinstance(data, dict):
        stated = data.get("class_names")
        data = data.get("images")
    if stated is not None and not _is_names(stated):
        raise ValueError(f"{source}: `class_names` must be a list of names, got {stated!r}.")
    if not isinstance(data, list) or not data:
        raise ValueError(
            f"{source}: must hold a list of records with image, positives and negatives, or an "
            "object with that list as `images`, or be an export of COCO, Label Studio or "
            f"FiftyOne, got {got}."
        )
    for index, record in enumerate(data):
        _check(record, f"{source}: record {index}")
    return data, stated


def _described(value: Any) -> str:  # noqa: ANN401 - whatever the file holds
    """Say what was found, in a few words."""
    if isinstance(value, dict):
        keys = ", ".join(map(str, [*value][:6])) + (", ..." if len(value) > 6 else "")
        return f"an object with the keys {keys}" if value else "an object without keys"
    if isinstance(value, list):
        return f"a list of {len(value):,}"
    return repr(value)[:80]


def _check(record: Any, place: str) -> None:  # noqa: ANN401 - whatever the file holds
    if not isinstance(record, dict) or not any(map(is_name_heading, record)):
        raise ValueError(
            f"{place} must be an object with the file name as `image`, got {_described(record)}."
        )


def _is_names(value: Any) -> bool:  # noqa: ANN401 - whatever the file holds
    return isinstance(value, list) and all(isinstance(name, str) for name in value)
