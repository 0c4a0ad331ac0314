"""From what people chose for whole images, one or several times, to labels: yes, no or unknown."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Int

__all__ = ["Answer", "ChoiceLabels", "answer_meaning", "labels_of_choices"]

Answer = dict[str, list[str]]
"""What one person chose for an image: the values of each question."""

_MEANINGS: Final = {
    **dict.fromkeys(("yes", "y", "true", "1", "present", "positive"), 1),
    **dict.fromkeys(("no", "n", "false", "0", "absent", "negative"), -1),
    **dict.fromkeys(("unknown", "unsure", "not sure", "don't know", "maybe", "?", "n/a"), 0),
}


class ChoiceLabels(NamedTuple):
    """Labels of images, in the order they were given.

    Attributes:
        labels: -1, 0 or +1, [rows classes].
        class_names: Name of each column.
        notes: What was noticed.
    """

    labels: Int[np.ndarray, "rows classes"]
    class_names: list[str]
    notes: list[str]


def answer_meaning(text: str) -> int | None:
    """Return +1, -1 or 0 for a word that means yes, no or unknown, and None for another.

    Args:
        text: Such as "Yes" or "unsure".

    Examples:
        >>> [answer_meaning(word) for word in ("Yes", "absent", "unsure", "cat")]
        [1, -1, 0, None]
    """
    return _MEANINGS.get(text.strip().casefold())


def labels_of_choices(
    answers: Mapping[str, Sequence[Answer]],
    *,
    source: str,
    unlisted: str,
    class_names: Sequence[str] = (),
) -> ChoiceLabels:
    """Turn choices into labels.

    A question whose values all mean yes, no or unknown is a class itself, called as the question;
    of any other question, each value is a class, called `question value` where two questions have
    it; a value that means unknown is none, and what was not chosen beside it is unknown. Where
    people disagree, and where nobody answered, labels are unknown.

    Args:
        answers: The answers for each image; none if nobody looked at it, or skipped it.
        source: File to name in errors.
        unlisted: What a value is that was not chosen: "negative" or "unknown".
        class_names: Values that could be chosen, as far as the file says so, in their order.

    Raises:
        ValueError: If there is no choice anywhere.
    """
    values: dict[str, dict[str, None]] = {}
    for one in (answer for several in answers.values() for answer in several):
        for question, chosen in one.items():
            values.setdefault(question, {}).update(dict.fromkeys(chosen))
    asked = [question for question, found in values.items() if _is_yes_or_no(found)]
    several = {
        question: sorted(value for value in found if answer_meaning(value) != 0)
        for question, found in values.items()
        if question not in asked
    }
    names = {(q, value): value for q, found in several.items() for value in found}
    for question, value in list(names):
        if sum(value in found for found in several.values()) > 1 or value in asked:
            names[question, value] = f"{question} {value}".strip()
    stated = [name for name in class_names if name not in asked]
    classes = list(dict.fromkeys([*stated, *names.values(), *asked]))
    if not classes:
        raise ValueError(f"{source}: there is no choice in it.")
    column = {name: index for index, name in enumerate(classes)}
    labels = np.zeros((len(answers), len(classes)), dtype=np.int8)
    disputed = 0
    for row, given in enumerate(answers.values()):
        rows = [_row(one, asked, names, column, unlisted) for one in given]
        if rows:
            agree = np.all([other == rows[0] for other in rows], axis=0)
            labels[row] = np.where(agree, rows[0], 0)
            disputed += int((~agree).sum())
    return ChoiceLabels(labels, classes, _notes(answers, disputed, unlisted, bool(names)))


def _is_yes_or_no(values: Mapping[str, None]) -> bool:
    meanings = [answer_meaning(value) for value in values]
    return None not in meanings and any(meanings)


def _row(
    answer: Answer,
    asked: list[str],
    names: dict[tuple[str, str], str],
    column: dict[str, int],
    unlisted: str,
) -> Int[np.ndarray, " classes"]:
    row = np.full(len(column), -1 if unlisted == "negative" else 0, dtype=np.int8)
    for question in asked:
        meanings = {answer_meaning(value) or 0 for value in answer.get(question, ())}
        row[column[question]] = meanings.pop() if len(meanings) == 1 else 0
    for question, chosen in answer.items():
        if question not in asked:
            if any(answer_meaning(value) == 0 for value in chosen):
                row[[column[name] for (q, _), name in names.items() if q == question]] = 0
            row[[column[names[question, v]] for v in chosen if (question, v) in names]] = 1
    return row


def _notes(
    answers: Mapping[str, Sequence[Answer]], disputed: int, unlisted: str, has_values: bool
) -> list[str]:
    notes = []
    without = sum(not several for several in answers.values())
    if without:
        notes.append(f"{without:,} of {len(answers):,} images were not answered and are unknown")
    if disputed:
        notes.append(f"{disputed:,} labels are unknown, since people disagree about them")
    empty = sum(any(not any(one.values()) for one in given) for given in answers.values())
    meaning = "absent" if unlisted == "negative" else "unknown"
    if has_values:
        notes.append(f"what was not chosen counts as {meaning} (`unlisted`)")
    if empty and has_values:
        notes.append(f"{empty:,} images were answered with no choice at all")
    return notes
