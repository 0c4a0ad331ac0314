"""What there is to know of a method before it is trained."""

import re
from dataclasses import dataclass
from typing import Final

from trmml.encoders.protocol import EncoderPair
from trmml.models.task import Task

__all__ = ["MethodFacts", "method_facts"]

# A paper's name, its address, and who published it where and when.
_CREDIT: Final = re.compile(r"\[([^]]+)\]\(([^)\s]+)\) \(([^()]*\b(\d{4}))\)")


@dataclass(frozen=True, kw_only=True)
class MethodFacts:
    """What there is to know of a method before it is trained.

    Attributes:
        method: Its name in configurations and saved models.
        title: What its paper calls it; None without a paper, as the next three.
        paper: Authors, place and year.
        year: Of the paper.
        link: To the paper.
        learns: What learns, in a few words.
        parameters: How many numbers learn, with the settings' defaults.
        shows_regions: Whether it can show where it sees a class.
    """

    method: str
    title: str | None
    paper: str | None
    year: int | None
    link: str | None
    learns: str
    parameters: int
    shows_regions: bool


def method_facts(task: type[Task], *, encoders: EncoderPair, num_classes: int) -> MethodFacts:
    """Build a method's model once, with default settings, and say what it is.

    Args:
        task: A value of `METHODS`, or one's own.
        encoders: Frozen towers, whose widths decide how many numbers learn.
        num_classes: How many classes are told apart, >= 1.

    Raises:
        ValueError: If `num_classes` is below 1.

    Examples:
        >>> from trmml.encoders import load_tiny
        >>> from trmml.models import METHODS
        >>> facts = method_facts(METHODS["coop"], encoders=load_tiny(), num_classes=20)
        >>> facts.title, facts.year, facts.learns, facts.parameters > 40_000
        ('CoOp', 2022, 'a prompt for each class', True)
    """
    if num_classes < 1:
        raise ValueError(f"`num_classes` must be at least 1, got {num_classes}.")
    names = [f"class {number}" for number in range(num_classes)]
    model_class = task.Model
    model = task.build(encoders, names, config=model_class.Config()).model
    credit = _CREDIT.search(model_class.credit)
    title, link, paper, year = credit.groups() if credit else (None, None, None, None)
    return MethodFacts(
        method=model_class.Config().method,
        title=title,
        paper=paper,
        year=None if year is None else int(year),
        link=link,
        learns=model_class.learns,
        parameters=sum(one.numel() for one in model.parameters() if one.requires_grad),
        shows_regions=model.has_regions,
    )
