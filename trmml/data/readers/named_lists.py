"""Images that list their labels by name: positives, negatives, everything else by rule."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Int

from trmml.data.readers.dataset_files import parse_json

__all__ = ["from_records"]

_KEYS = {"image", "positives", "negatives", "where"}


def from_records(
    records: str | list[dict[str, Any]],
    *,
    source: str,
    unlisted: str,
    class_names: Sequence[str] | None,
) -> tuple[list[str], Int[np.ndarray, "rows classes"], list[str]]:
    """Turn records of `image`, `positives` and `negatives` into names, labels and class names.

    Args:
        records: The records, or the text of a JSON file with them.
        source: File to name in errors.
        unlisted: What a class is that an image does not list: "auto", "negative" or "unknown".
        class_names: Classes in their order; by default those listed, in alphabetical order.

    Raises:
        ValueError: If the records are malformed, repeat an image, list a class that is not in
            `class_names` or as both, join several others by commas to one, or leave open what an
            unlisted class is.
    """
    if isinstance(records, str):
        records, stated = _parse(records, source)
        class_names = class_names if class_names is not None else stated
    for index, record in enumerate(records):
        _check(record, f"{source}: record {index}")
    places = [record.get("where", f"record {index}") for index, record in enumerate(records)]
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
    seen: dict[str, str] = {}
    for row, (place, record, pair) in enumerate(zip(places, records, lists, strict=True)):
        name = record["image"]
        if name in seen:
            raise ValueError(
                f"{source}: {name!r} is in {seen[name]} and again in {place}; keep one."
            )
        seen[name] = place
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
    return list(seen), labels, classes


def _refuse_joined(classes: list[str], source: str) -> None:
    """Refuse a class that is a list of others, which a comma separates where `;` or `|` should."""
    parts = {name: [part.strip() for part in name.split(",") if part.strip()] for name in classes}
    joined = {name: found for name, found in parts.items() if len(found) > 1}
    for name, found in joined.items():
        for part in found:
            others = (one for one in classes if one != name and part in parts[one])
            if (other := next(others, None)) is not None:
                raise ValueError(
                    f"{source}: lists {name!r} as one class beside {other!r}; separate names by ; "
                    "or |, and write one that has a comma without it."
                )


def _parse(text: str, source: str) -> tuple[list[Any], list[str] | None]:
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
    if not isinstance(record, dict) or not isinstance(record.get("image"), str):
        raise ValueError(
            f"{place} must be an object with the file name as `image`, got {_described(record)}."
        )
    if not record["image"].strip():
        raise ValueError(f"{place} has no file name.")
    strange = sorted(set(record) - _KEYS)
    if strange:
        raise ValueError(f"{place} may hold image, positives and negatives, got {strange[0]!r}.")
    for key in ("positives", "negatives"):
        part = record.get(key, [])
        if not _is_names(part):
            raise ValueError(
                f"{place}: `{key}` must be a list of class names, got {repr(part)[:80]}."
            )


def _is_names(value: Any) -> bool:  # noqa: ANN401 - whatever the file holds
    return isinstance(value, list) and all(isinstance(name, str) for name in value)
