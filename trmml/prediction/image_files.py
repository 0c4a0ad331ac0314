"""From what a user names, files, folders or a list, to image files."""

import os
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from trmml.data import IMAGE_SUFFIXES
from trmml.data.readers.text_files import marked_encoding
from trmml.data.visible_files import is_hidden

__all__ = ["find_images", "split_names"]

_UNREAD_PICTURES = frozenset(
    {".heic", ".heif", ".hif", ".jxl", ".svg", ".psd", ".eps", ".pdf", ".ico", ".tga"}
    | {".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".raw"}
)
_MOST_REASONS = 8


def find_images(
    paths: Iterable[str | Path], *, note: Callable[[str], None] | None = None
) -> list[Path]:
    """List image files: those named, and those in the folders named and below.

    A file is taken whatever its name ends in; in a folder, names must end as photographs' do, and
    what is hidden and links to other folders are passed over. Each file comes once, in the order
    given, folders sorted.

    Args:
        paths: Files and folders.
        note: Called once with a sentence that counts what was passed over in folders, by reason;
            not at all if that is nothing.

    Raises:
        ValueError: If a path does not exist, or a folder holds no image.
    """
    found: dict[Path, None] = {}
    passed_over: Counter[str] = Counter()
    for path in map(Path, paths):
        if path.is_dir():
            others: Counter[str] = Counter()
            inside = sorted(_inside(path, others))
            if not inside:
                there = f" (there are: {_counted(others)})" if others else ""
                raise ValueError(
                    f"{path}: there is no image in this folder{there}; its files' names must end "
                    f"in one of {', '.join(sorted(IMAGE_SUFFIXES))}."
                )
            found.update(dict.fromkeys(inside))
            passed_over.update(others)
        elif path.exists():
            found[path] = None
        else:
            raise ValueError(f"{path}: there is nothing; check the path.")
    if note is not None and passed_over:
        note(_sentence(passed_over))
    return list(found)


def split_names(content: bytes) -> list[Path]:
    """Read a list of file names, one a line, or separated by NUL as `find -print0` does.

    A byte order mark says what the encoding is, as in tables. Blanks around a line belong to the
    name only if there is such a file.

    Args:
        content: Of the list; without a mark, the bytes of the names as the file system has them.

    Raises:
        ValueError: If there is no name, or the list is not in the encoding of its mark.
    """
    encoding = marked_encoding(content)
    if encoding is not None:
        errors = "surrogateescape" if encoding.startswith("utf-8") else "strict"
        try:
            text = content.decode(encoding, errors)
        except UnicodeDecodeError as error:
            raise ValueError(
                f"the list of images must be in {error.encoding}, as its byte order mark says, but "
                f"byte {error.start} is not; write it as UTF-8."
            ) from None
    else:
        text = os.fsdecode(content)
    if "\0" in text:
        names = text.split("\0")
    else:
        names = [_as_written(line.removesuffix("\r")) for line in text.split("\n")]
    found = list(dict.fromkeys(Path(name) for name in names if name.strip()))
    if not found:
        raise ValueError("the list of images is empty; write one file name a line.")
    return found


def _as_written(line: str) -> str:
    name = line.strip(" \t")
    return line if name != line and os.path.lexists(line) else name


def _inside(folder: Path, passed_over: Counter[str]) -> Iterable[Path]:
    def unreadable(_: OSError) -> None:
        passed_over["unreadable folder"] += 1

    for parent, folders, names in os.walk(folder, onerror=unreadable):
        for name in list(folders):
            reason = "hidden folder" if is_hidden(name) else None
            if reason is None and Path(parent, name).is_symlink():
                reason = "linked folder"  # it may lead back up, and round and round
            if reason is not None:
                folders.remove(name)
                passed_over[reason] += 1
        for name in names:
            ending = Path(name).suffix.lower()
            if is_hidden(name):
                passed_over["hidden"] += 1
            elif ending in IMAGE_SUFFIXES:
                yield Path(parent, name)
            else:
                passed_over[ending or "without an ending"] += 1


def _sentence(passed_over: Counter[str]) -> str:
    """Count what was passed over, and say what helps for pictures of formats that are not read."""
    total, folders = passed_over.total(), any("folder" in reason for reason in passed_over)
    what = "file" if total == 1 else "files"
    if folders:
        what = "folder" if total == 1 else "files and folders"
    sentence = f"{total:,} {what} passed over: {_counted(passed_over)}"
    pictures = sorted(_UNREAD_PICTURES & {*passed_over})
    if pictures:
        sentence += f"; to have {', '.join(pictures)} read, save as JPEG or PNG"
    return f"{sentence}."


def _counted(reasons: Counter[str]) -> str:
    ranked = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    listed = [f"{count:,} {reason}" for reason, count in ranked[:_MOST_REASONS]]
    rest = sum(count for _, count in ranked[_MOST_REASONS:])
    return ", ".join([*listed, f"{rest:,} others"] if rest else listed)
