"""What differs between the training that a state was saved in and the one that would take it up."""

from typing import Any, Final, NamedTuple

__all__ = ["Change", "check_settings", "describe_changes", "find_changes"]

# Of these the values are checksums, which nobody can compare by eye.
_WORDS: Final = {
    "labels": "the labels to learn from are others",
    "known_labels": "other labels are known",
    "validation_labels": "the labels to select on are others",
    "captions": "the captions are others, or in another order",
    "image_list": "the images are others, or in another order",
}
_SHOWN: Final = 5


class Change(NamedTuple):
    """A setting that differs.

    Attributes:
        was: In the saved state; None where it was not there.
        now: Here; None where it is not there.
    """

    was: Any
    now: Any


def find_changes(saved: dict[str, Any], here: dict[str, Any]) -> dict[str, Change]:
    """Return each setting that differs, by its dotted name.

    Examples:
        >>> find_changes({"recipe": {"lr": 1, "epochs": 2}}, {"recipe": {"lr": 1, "epochs": 3}})
        {'recipe.epochs': Change(was=2, now=3)}
    """
    found: dict[str, Change] = {}
    for name in sorted(saved.keys() | here.keys()):
        was, now = saved.get(name), here.get(name)
        if isinstance(was, dict) and isinstance(now, dict):
            found |= {f"{name}.{key}": change for key, change in find_changes(was, now).items()}
        elif was != now:
            found[name] = Change(was, now)
    return found


def describe_changes(changes: dict[str, Change]) -> str:
    """Name the changes in words, the first few of many.

    Examples:
        >>> describe_changes({"recipe.epochs": Change(2, 3), "labels": Change("5e1f", "77a0")})
        '`recipe.epochs` was 2, is 3; the labels to learn from are others (`labels`)'
    """
    told = [
        f"{_WORDS[name]} (`{name}`)"
        if name in _WORDS
        else f"`{name}` was {_on_a_line(was)}, is {_on_a_line(now)}"
        for name, (was, now) in changes.items()
    ]
    more = [f"and {len(told) - _SHOWN} more"] if len(told) > _SHOWN else []
    return "; ".join(told[:_SHOWN] + more)


def _on_a_line(value: Any) -> str:  # noqa: ANN401 - whatever JSON knows
    return " ".join(str(value).split())


def check_settings(saved: dict[str, Any], here: dict[str, Any]) -> None:
    """Refuse to go on with other settings than those of a saved state.

    Raises:
        ValueError: If they differ, with what differs.
    """
    changes = find_changes(saved, here)
    if changes:
        raise ValueError(
            f"The checkpoint is of another training: {describe_changes(changes)}; go on with the "
            "same settings, or start again in another folder."
        )
