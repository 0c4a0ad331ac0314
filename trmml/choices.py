"""Options that take one name of a few: each list of names is written once, as a `Literal`."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Literal, get_args, get_origin, get_type_hints

__all__ = ["check_choice", "check_choices", "choice_error", "nearest_name", "nearest_names"]


def check_choice(value: object, choice: object, *, argument: str) -> None:
    """Refuse a value that is no member of a `Literal`.

    Args:
        value: What was given.
        choice: The `Literal` that the argument is annotated with.
        argument: Its name, for the message.

    Raises:
        ValueError: If the value is none of the members, with the nearest one.

    Examples:
        >>> from typing import Literal
        >>> Side = Literal["left", "right"]
        >>> check_choice("left", Side, argument="side")
        >>> check_choice("rihgt", Side, argument="side")
        Traceback (most recent call last):
            ...
        ValueError: `side` must be one of 'left', 'right', got 'rihgt'; did you mean 'right'?
    """
    members = get_args(choice)
    if value not in members:
        raise choice_error(value, members, argument=argument)


def check_choices(settings: object) -> None:
    """Refuse settings of which a field annotated with a `Literal` holds something else.

    Args:
        settings: A dataclass or the like; its annotations, inherited ones too, are looked at.

    Raises:
        ValueError: As `check_choice`, at the first such field.

    Examples:
        >>> from dataclasses import dataclass
        >>> from typing import Literal
        >>> @dataclass
        ... class Schedule:
        ...     form: Literal["onecycle", "cosine"] = "onecycle"
        ...     epochs: int = 40
        >>> check_choices(Schedule("cosine"))
        >>> check_choices(Schedule("cosin"))
        Traceback (most recent call last):
            ...
        ValueError: `form` must be one of 'onecycle', 'cosine', got 'cosin'; did you mean 'cosine'?
    """
    for name, kind in get_type_hints(type(settings)).items():
        if get_origin(kind) is Literal:
            check_choice(getattr(settings, name), kind, argument=name)


def choice_error(value: object, names: Sequence[object], *, argument: str) -> ValueError:
    """Return the error for a value that is none of some names, for those known only at run time.

    Args:
        value: What was given.
        names: What could be given.
        argument: The argument's name.

    Examples:
        >>> choice_error("tset", ["train", "test"], argument="split")
        ValueError("`split` must be one of 'train', 'test', got 'tset'; did you mean 'test'?")
    """
    listed = ", ".join(map(repr, names))
    near = nearest_name(value, names)
    hint = "pick one of these." if near is None else f"did you mean {near!r}?"
    return ValueError(f"`{argument}` must be one of {listed}, got {value!r}; {hint}")


def nearest_name(value: object, names: Iterable[object], *, cutoff: float = 0.6) -> str | None:
    """Return the name that somebody may have meant, or None if none is like it.

    Args:
        value: What was given.
        names: What could be given.
        cutoff: How like it must be, in [0, 1], unless it is a part of the name.

    Examples:
        >>> nearest_name("tset", ["train", "test"]), nearest_name("lr", ["max_lr", "epochs"])
        ('test', 'max_lr')
    """
    given, known = str(value), list(map(str, names))
    if near := get_close_matches(given, known, n=1, cutoff=cutoff):
        return near[0]
    parts = set(given.split("_"))
    related = [name for name in known if (other := set(name.split("_"))) <= parts or parts <= other]
    return next(iter(get_close_matches(given, related, n=1, cutoff=0)), None)


def nearest_names(name: str, names: Iterable[str], *, most: int = 5) -> list[str]:
    """Return the names most like one that is none of them, however they are capitalised.

    Args:
        name: What was asked for.
        names: What there is.
        most: How many to return, >= 1.

    Examples:
        >>> nearest_names("rn5O", ["RN50", "RN101", "ViT-B-32"])
        ['RN50', 'RN101']
    """
    lowered = {candidate.lower(): candidate for candidate in names}
    return [lowered[near] for near in get_close_matches(name.lower(), lowered, n=most, cutoff=0.4)]
