"""The names of classes: one or several for each, and what is shown of them."""

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

__all__ = ["ClassNames", "NameOrSynonyms", "check_distinct", "name_key"]

_INVISIBLE: Final = ("Cf", "Cc")  # zero-width signs, direction marks, byte order marks

NameOrSynonyms = str | Sequence[str]
"""What one class is called: its name, or several synonyms, the usual one first."""


def name_key(name: str) -> str:
    r"""Return what names share that are one and the same to the eye: blanks, marks, Unicode form.

    Args:
        name: A class name.

    Examples:
        >>> name_key(" traffic\u00a0 light\u200b"), name_key("cafe\u0301") == name_key("caf\u00e9")
        ('traffic light', True)
    """
    if name.isascii() and name.isprintable():
        return " ".join(name.split())
    spaced = " ".join(name.split())
    seen = "".join(sign for sign in spaced if unicodedata.category(sign) not in _INVISIBLE)
    return unicodedata.normalize("NFC", " ".join(seen.split()))


def check_distinct(names: Sequence[str]) -> None:
    """Refuse names of classes that nobody can tell apart.

    Args:
        names: One for each class.

    Raises:
        ValueError: If two are equal, or differ in nothing but blanks, invisible signs or the
            Unicode form.
    """
    first: dict[str, int] = {}
    for index, name in enumerate(names):
        other = first.setdefault(name_key(name), index)
        if other == index:
            continue
        how = "is there twice" if name == names[other] else f"looks like {names[other]!a}"
        raise ValueError(
            f"`class_names` must be distinct, but {name!a} (class {index}) {how} (class {other}); "
            "give each class a name of its own."
        )


class ClassNames(Sequence[str]):
    """What each class is called; as a sequence, the title of each.

    Args:
        names: A name or several synonyms for each class; or a value of this class, which is
            taken as it is.

    Attributes:
        synonyms: All names of each class, one or more.

    Raises:
        ValueError: If there is no class, one without a name, or two that nobody can tell apart.

    Examples:
        >>> names = ClassNames(["tree", ["boat", "ship"]])
        >>> names.titles, names.shown, len(names), names[1]
        (['tree', 'boat'], ['tree', 'boat, ship'], 2, 'boat')
        >>> names.plain
        ['tree', ['boat', 'ship']]
    """

    def __init__(self, names: Sequence[NameOrSynonyms]) -> None:
        """Check the names and keep them."""
        if isinstance(names, ClassNames):
            self.synonyms: tuple[tuple[str, ...], ...] = names.synonyms
            return
        if isinstance(names, str) or len(names) == 0:
            raise ValueError(
                f"`class_names` must be a list with one name per class, got {names!r}."
            )
        given = [
            tuple(one) if isinstance(one, Sequence) and not isinstance(one, str) else (one,)
            for one in names
        ]
        for index, group in enumerate(given):
            if not group or not all(isinstance(name, str) and name.strip() for name in group):
                raise ValueError(
                    f"`class_names` must hold non-empty names, got {names[index]!r} for class "
                    f"{index}."
                )
        check_distinct([group[0] for group in given])
        self.synonyms = tuple(given)

    @property
    def twins(self) -> list[str]:
        """What may be one class under two names: a sentence for each, mostly none.

        Names that differ in capital and small letters, hyphens or underscores alone, and synonyms
        of one class that name another one too.

        Examples:
            >>> ClassNames(["traffic light", "Traffic_light", ["boat", "ship"]]).twins
            ["'Traffic_light' and 'traffic light' are nearly the same name"]
        """
        found, seen = [], dict[str, tuple[int, str]]()
        for index, names in enumerate(self.synonyms):
            for name in dict.fromkeys(names):
                other, its_name = seen.setdefault(_folded(name), (index, name))
                if other == index:
                    continue
                if name == its_name:
                    titles = f"{self.titles[other]!r} and {self.titles[index]!r}"
                    found.append(f"{name!r} names two classes, {titles}")
                else:
                    found.append(f"{name!r} and {its_name!r} are nearly the same name")
        return found

    def find(self, name: str) -> int | None:
        """Return which class a name is of, whatever its capitals, hyphens and underscores.

        Args:
            name: As somebody typed it.

        Examples:
            >>> names = ClassNames(["traffic light", ["boat", "ship"]])
            >>> names.find("Traffic-Light"), names.find("ship"), names.find("kite")
            (0, 1, None)
        """
        wanted = _folded(name)
        for index, names in enumerate(self.synonyms):
            if wanted in map(_folded, names):
                return index
        return None

    @property
    def titles(self) -> list[str]:
        """The first name of each class: in tables, files and lists."""
        return [names[0] for names in self.synonyms]

    @property
    def shown(self) -> list[str]:
        """All names of each class, joined by commas: where there is room for them."""
        return [", ".join(names) for names in self.synonyms]

    @property
    def plain(self) -> list[str | list[str]]:
        """What was given, as JSON knows it: one name as text, synonyms as a list."""
        return [names[0] if len(names) == 1 else list(names) for names in self.synonyms]

    def __len__(self) -> int:
        """Return the number of classes."""
        return len(self.synonyms)

    def __getitem__(self, index):  # noqa: ANN001, ANN204 - as a list's
        """Return the title of a class, or a list of some."""
        return self.titles[index]

    def __iter__(self) -> Iterator[str]:
        """Go through the titles."""
        return iter(self.titles)

    def __eq__(self, other: object) -> bool:
        """Compare all names, in order."""
        return isinstance(other, ClassNames) and self.synonyms == other.synonyms

    def __hash__(self) -> int:
        """Return a number that equal names share."""
        return hash(self.synonyms)

    def __repr__(self) -> str:
        """Show what gives this value."""
        return f"ClassNames({self.plain!r})"


def _folded(name: str) -> str:
    plain = unicodedata.normalize("NFKC", name_key(name)).casefold()
    return " ".join(plain.replace("_", " ").replace("-", " ").split())
