"""The names of classes: one or several for each, and what is shown of them."""

from collections.abc import Iterator, Sequence

__all__ = ["ClassNames", "NameOrSynonyms"]

NameOrSynonyms = str | Sequence[str]
"""What one class is called: its name, or several synonyms, the usual one first."""


class ClassNames(Sequence[str]):
    """What each class is called; as a sequence, the title of each.

    Args:
        names: A name or several synonyms for each class; or a value of this class, which is
            taken as it is.

    Attributes:
        synonyms: All names of each class, one or more.

    Raises:
        ValueError: If there is no class, or one without a name.

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
        self.synonyms = tuple(given)

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
