"""Plain captions, as a person would type them under a picture."""

from collections.abc import Sequence

import numpy as np

__all__ = ["CAPTION_TEMPLATES", "PROMPT_TEMPLATES", "write_caption"]

PROMPT_TEMPLATES: tuple[str, ...] = (
    "a photo of a {}.",
    "a picture of a {}.",
    "a photo of the {}.",
    "there is a {}.",
    "{}.",
    "a {}.",
    "in this picture, which was taken on a walk last year, you can see a {}.",
)
"""Captions of one thing; the long one makes late positions of a prompt known to a text tower."""

CAPTION_TEMPLATES: tuple[str, ...] = (
    "a photo of {}.",
    "a picture with {}.",
    "there is {}.",
    "{}.",
    "a scene with {}.",
    "in this picture, which was taken on a walk last year, you can see {}.",
)
"""Captions of a list of things, each with its article."""


def write_caption(
    things: Sequence[tuple[str, str]], random: np.random.RandomState, *, colours: float = 0.4
) -> str:
    """Describe the things of a picture, in any order.

    Args:
        things: Colour name and category name of each.
        random: Source of chance.
        colours: Share of captions that name colours.

    Returns:
        For example "a photo of a red car and a tree.".

    Examples:
        >>> write_caption([("red", "car"), ("green", "tree")], np.random.RandomState(3))
        'a photo of a car and a tree.'
    """
    if not things:
        return "a picture of nothing."
    with_colour = random.random_sample() < colours
    order = list(range(len(things)))
    random.shuffle(order)
    names = [" ".join(things[index]) if with_colour else things[index][1] for index in order]
    names = list(dict.fromkeys(names))
    if len(names) == 1:
        return PROMPT_TEMPLATES[random.randint(len(PROMPT_TEMPLATES))].format(names[0])
    bare = random.random_sample() < 0.25
    listed = names if bare else [f"{_article(name)} {name}" for name in names]
    joined = ", ".join(listed[:-1]) + " and " + listed[-1]
    return CAPTION_TEMPLATES[random.randint(len(CAPTION_TEMPLATES))].format(joined)


def _article(name: str) -> str:
    """Return the article a name takes."""
    return "an" if name[0] in "aeiou" else "a"
