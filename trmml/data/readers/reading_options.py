"""What a person has to say about a file of labels, because the file itself does not."""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from trmml.choices import check_choices, choice_error

__all__ = ["AbsentFile", "CellMeaning", "ReadingOptions", "Separator", "check_encoding"]

CellMeaning = Literal["auto", "negative", "unknown"]
AbsentFile = Literal["auto", "negative", "unknown", "drop"]
Separator = Literal["auto", "comma", "space"]


@dataclass(frozen=True, kw_only=True)
class ReadingOptions:
    """How a file of labels is meant, where more than one meaning is possible.

    Each reader takes some of these; one that it does not take is refused, never ignored.

    Attributes:
        zero: What 0 means in a table; "auto" takes what is certain and asks otherwise.
        minus_one: What -1 means in a table; "auto" likewise.
        blank: What an empty cell means in a table; "auto" likewise.
        unlisted: What a class is that an image does not list; "auto" likewise.
        without_file: What an image is that has no file of labels, where each has its own; "auto"
            leaves it to the format.
        separator: What separates names within a cell; "auto" is `;`, `|` or a list of JSON.
        ignore: Columns of a table to leave aside, whatever they hold.
        encoding: The text encoding of a table, such as "cp1252"; None is UTF-8, or what the file's
            own mark says.

    Raises:
        ValueError: If a value is none of its choices, or there is no such encoding.

    Examples:
        >>> ReadingOptions(blank="negative").given()
        {'blank': 'negative'}
    """

    zero: CellMeaning = "auto"
    minus_one: CellMeaning = "auto"
    blank: CellMeaning = "auto"
    unlisted: CellMeaning = "auto"
    without_file: AbsentFile = "auto"
    separator: Separator = "auto"
    ignore: tuple[str, ...] = ()
    encoding: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is no choice."""
        check_choices(self)
        check_encoding(self.encoding)

    def given(self) -> dict[str, Any]:
        """Return the options that say something, as arguments for a reader."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value not in ("auto", None, ())}

    @classmethod
    def parse(cls, texts: Sequence[str] | None) -> "ReadingOptions":
        """Read options as a command line has them.

        Args:
            texts: Each a name and a value, such as "blank=negative"; None for none. Several
                columns to ignore are separated by commas.

        Raises:
            ValueError: If one has no value, an unknown name or is given twice; and as above.

        Examples:
            >>> ReadingOptions.parse(["blank=negative", "encoding=cp1252"]).given()
            {'blank': 'negative', 'encoding': 'cp1252'}
        """
        names = [field.name for field in fields(cls)]
        values: dict[str, Any] = {}
        for text in texts or ():
            name, equals, value = (part.strip() for part in text.partition("="))
            if not equals or not value:
                raise ValueError(
                    f"`--read` must be a name and a value, such as blank=negative, got {text!r}."
                )
            if name not in names:
                raise choice_error(name, names, argument="--read")
            if name in values:
                raise ValueError(f"`--read` must name each option once, got {name!r} twice.")
            values[name] = value
        if "ignore" in values:
            columns = (part.strip() for part in values["ignore"].split(","))
            values["ignore"] = tuple(column for column in columns if column)
        return cls(**values)


def check_encoding(encoding: str | None) -> None:
    """Refuse what is no text encoding; None is taken.

    Raises:
        ValueError: If Python knows no encoding of that name, or it is not one of text.
    """
    if encoding is None:
        return
    try:
        known = codecs.lookup(encoding)._is_text_encoding  # as `open` decides
    except (LookupError, ValueError):
        known = False
    if not known:
        raise ValueError(
            f"`encoding` must be a text encoding that Python knows, such as 'cp1252' or 'utf-16', "
            f"got {encoding!r}."
        )
