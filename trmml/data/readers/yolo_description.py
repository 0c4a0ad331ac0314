"""What `data.yaml` or `obj.data` says: the classes, and where the images of each split are."""

from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple

from trmml.data.file_names import plain_name
from trmml.data.readers.dataset_files import read_lines
from trmml.data.readers.text_files import read_text
from trmml.extras import install_line
from trmml.regular_files import require_regular_file

__all__ = ["YoloDescription", "find_place", "read_yolo_description"]

_SPLITS: Final = ("train", "val", "test")
_NOTHING: Final = ("", "~", "null", "Null", "NULL")
_MOST_BYTES: Final = 1 << 20


class YoloDescription(NamedTuple):
    """The content of a `data.yaml`, or of Darknet's `obj.data`.

    Attributes:
        names: The classes, in the order of their numbers.
        folder: Where places are relative to.
        places: The folders and lists of images of each split that it names, as it names them.
    """

    names: list[str]
    folder: Path
    places: dict[str, list[str]]


def read_yolo_description(path: Path) -> YoloDescription:
    """Read a `data.yaml` as a YAML parser does, or an `obj.data`, every plain value as text.

    Args:
        path: The file.

    Raises:
        ValueError: If it is no YAML, or its classes are not listed, not distinct, or not as many
            as `nc` says.
        ModuleNotFoundError: If pyyaml is not installed.
    """
    content = _darknet(path) if path.suffix.lower() == ".data" else _mapping(path)
    names = _names(content.get("names"))
    if not names:
        raise ValueError(f"{path}: must list the class names as `names`, from 0 without gaps.")
    number = content.get("nc", "")
    if number not in _NOTHING and number != str(len(names)):
        number = number[:20] if isinstance(number, str) else "no number"
        raise ValueError(f"{path}: `nc` is {number}, but `names` lists {len(names)} classes.")
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise ValueError(f"{path}: `names` must be distinct, got {name!r} more than once.")
    places = {}
    for split in _SPLITS:
        value = content.get(split, "")
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(item, str) for item in values):
            raise ValueError(f"{path}: `{split}` must be a folder, a list of images, or several.")
        values = [item for item in values if item not in _NOTHING]
        if values:
            places[split] = values
    base = content.get("path", "")
    above = find_place(base, path.parent) if isinstance(base, str) and base else None
    return YoloDescription(names, above or path.parent, places)


def find_place(name: str, *folders: Path) -> Path | None:
    """Return what is at a path that may have been written on another computer, or None.

    Looked up are the path itself, relative to each folder, without the `..` or `data` before it
    that exports of Roboflow and CVAT have, and of a path from the root, its ends of at least two
    parts.

    Args:
        name: The path, with separators of whatever system.
        folders: What it may be relative to.
    """
    plain = plain_name(name.strip())
    spellings = [plain, plain.removeprefix("../"), plain.removeprefix("data/")]
    if plain.startswith("/") or plain[1:3] == ":/":
        parts = [part for part in plain.split("/") if part]
        spellings += ["/".join(parts[start:]) for start in range(1, len(parts) - 1)]
    tried = (folder / spelling for spelling in spellings for folder in folders)
    return next((path for path in tried if path.exists()), None)


def _darknet(path: Path) -> dict[str, Any]:
    """Return what an `obj.data` says, under the keys of a `data.yaml`."""
    entries = (line.partition("=") for line in read_lines(path))
    said = {key.strip(): value.strip() for key, _, value in entries}
    names = find_place(said.get("names", ""), path.parent)
    listed = read_lines(names) if names is not None and names.is_file() else []
    return {**said, "names": listed, "val": said.get("valid", ""), "nc": said.get("classes", "")}


def _mapping(path: Path) -> dict[str, Any]:
    size = require_regular_file(path).stat().st_size
    if size > _MOST_BYTES:
        raise ValueError(f"{path}: must be of at most {_MOST_BYTES:,} bytes, got {size:,}.")
    text, yaml = read_text(path), _yaml()
    try:
        # The base loader makes text of every plain value: a class may be called `no`, or `1.10`.
        content = yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = "" if mark is None else f"line {mark.line + 1}: "
        problem = getattr(error, "problem", None) or " ".join(str(error).split())
        raise ValueError(f"{path}: {place}no valid YAML; {problem}.") from None
    except (RecursionError, ValueError, TypeError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ValueError(f"{path}: no valid YAML; {reason}.") from None
    return content if isinstance(content, dict) else {}


def _names(value: Any) -> list[str]:  # noqa: ANN401 - whatever the file holds
    if isinstance(value, dict):
        numbers = {int(key): name for key, name in value.items() if _is_number(key)}
        if len(numbers) < len(value) or sorted(numbers) != list(range(len(numbers))):
            return []
        value = [numbers[number] for number in range(len(numbers))]
    if not isinstance(value, list):
        return []
    good = all(isinstance(name, str) and name.strip() for name in value)
    return [name.strip() for name in value] if good else []


def _is_number(key: Any) -> bool:  # noqa: ANN401 - whatever the file holds
    return isinstance(key, str) and key.isascii() and key.isdecimal() and len(key) < 10


def _yaml() -> ModuleType:
    try:
        import yaml
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            f"reading a data.yaml needs pyyaml; {install_line('train')}", name="yaml"
        ) from None
    return yaml
