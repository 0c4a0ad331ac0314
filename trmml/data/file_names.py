"""Match the file names that a table has with the files that are there, however they are spelt."""

import os
import unicodedata
from collections.abc import Sequence
from typing import Final

__all__ = ["NameIndex", "file_key", "other_case", "plain_name", "resolve_names"]

_INVISIBLE: Final = "Cf"  # byte order marks, zero-width signs, direction marks, soft hyphens


def plain_name(name: str) -> str:
    r"""Return a file name with one kind of separator, without `./`, `a/../` and a byte order mark.

    Args:
        name: As a table has it, of whatever system.

    Examples:
        >>> plain_name("photos\\.\\more/..//a.jpg"), plain_name("../a.jpg")
        ('photos/a.jpg', '../a.jpg')
    """
    name = name.strip("\ufeff").replace("\\", "/")
    if "://" in name or ("//" not in name and "./" not in name):
        return name
    return os.path.normpath(name).replace("\\", "/").replace("//", "/")


def file_key(name: str) -> str:
    r"""Return what names share that are one and the same to the eye: separators, Unicode, marks.

    Args:
        name: As a table has it.

    Examples:
        >>> file_key("./cafe\u0301.jpg") == file_key("caf\u00e9\u200b.jpg")
        True
    """
    name = plain_name(name)
    if name.isascii():
        return name
    visible = "".join(sign for sign in name if unicodedata.category(sign) != _INVISIBLE)
    return unicodedata.normalize("NFC", visible)


class NameIndex:
    r"""The places of file names in a list, found by other spellings too.

    A name is found as it stands; or else by `file_key`, if only one of the list has it.

    Args:
        names: The list.

    Examples:
        >>> index = NameIndex(["photos/a.jpg", "b.jpg"])
        >>> index.find("photos\\a.jpg"), index.find("c.jpg"), index.other_case("B.JPG")
        (0, None, 'b.jpg')
    """

    def __init__(self, names: Sequence[str]) -> None:
        """Look at the list once."""
        self._names = list(names)
        self._places = {name: place for place, name in enumerate(self._names)}
        self._alike = _grouped(self._names, folded=False)
        self._folded: dict[str, list[int]] | None = None

    def name(self, place: int) -> str:
        """Return the name at a place, as the list has it."""
        return self._names[place]

    def find(self, name: str) -> int | None:
        """Return a name's place, or None if it is not there or several are the same to the eye."""
        place = self._places.get(name)
        if place is not None:
            return place
        alike = self._alike.get(file_key(name), [])
        return alike[0] if len(alike) == 1 else None

    def other_case(self, name: str) -> str | None:
        """Return the name of the list that differs in capital and small letters alone."""
        if self._folded is None:
            self._folded = _grouped(self._names, folded=True)
        near = self._folded.get(file_key(name).casefold(), [])
        return self._names[near[0]] if near else None


def resolve_names(names: Sequence[str], root: str | os.PathLike[str]) -> list[str]:
    r"""Return each name as its file in a folder is spelt; as a plain name where there is no file.

    Separators, the Unicode form and invisible signs may differ; capital and small letters only
    where the file system itself ignores them, see `other_case`. A folder is listed only where a
    file is not found at once.

    Args:
        names: File names relative to the folder.
        root: The folder, which need not exist.

    Examples:
        >>> resolve_names([".\\a.jpg"], "no_such_folder")
        ['a.jpg']
    """
    if not os.path.isdir(root):  # noqa: PTH112 - as below
        return [plain_name(name) for name in names]
    listed: dict[str, NameIndex] = {}
    return [_resolve(name, os.fspath(root), listed) for name in names]


def other_case(name: str, root: str | os.PathLike[str]) -> str | None:
    """Return the file that a name without one may mean: only capital and small letters differ.

    Args:
        name: File name relative to the folder.
        root: The folder.
    """
    return _walk(plain_name(name), os.fspath(root), {}, any_case=True)


def _resolve(name: str, root: str, listed: dict[str, NameIndex]) -> str:
    plain = plain_name(name)
    for spelling in (plain, name):
        if os.path.exists(os.path.join(root, spelling)):  # noqa: PTH110, PTH118 - a third of the time of Path for 100,000 files
            return spelling
    return _walk(plain, root, listed) or plain


def _walk(
    name: str, root: str, listed: dict[str, NameIndex], *, any_case: bool = False
) -> str | None:
    """Go down the folders of a name, and return how they and the file are spelt."""
    here, found = root, []
    for part in name.split("/"):
        if part not in ("", ".."):
            if here not in listed:
                try:
                    listed[here] = NameIndex(sorted(os.listdir(here)))  # noqa: PTH208 - names
                except OSError:
                    return None
            place = listed[here].find(part)
            near = listed[here].name(place) if place is not None else None
            if near is None and any_case:
                near = listed[here].other_case(part)
            if near is None:
                return None
            part = near
        found.append(part)
        here = os.path.join(here, part) if part else os.sep  # noqa: PTH118 - strings
    return "/".join(found)


def _grouped(names: Sequence[str], *, folded: bool) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        key = file_key(name)
        groups.setdefault(key.casefold() if folded else key, []).append(place)
    return groups
