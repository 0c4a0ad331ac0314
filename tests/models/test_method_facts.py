import re
from pathlib import Path

import pytest

from tests.prediction.photographs import tiny_pair
from trmml.models import METHODS, MultiLabelModel, load_task, method_facts

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "parts" / "methods.md").read_text(encoding="utf-8")
OWN = ROOT / "examples" / "own_method.py"


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_a_paper_and_says_what_learns(name: str) -> None:
    facts = method_facts(METHODS[name], encoders=tiny_pair(), num_classes=3)
    assert facts.method == name
    assert None not in (facts.title, facts.paper, facts.year, facts.link)
    assert str(facts.year) in str(facts.paper)
    assert facts.learns != MultiLabelModel.learns


@pytest.mark.parametrize("name", METHODS)
def test_the_page_of_methods_says_the_same(name: str) -> None:
    facts = method_facts(METHODS[name], encoders=tiny_pair(), num_classes=3)
    what_they_are, _ = PAGE.split("## Side by side")  # from there on what they are worth
    (row,) = re.findall(rf"^\| `{re.escape(name)}` \|(.*)\|$", what_they_are, re.MULTILINE)
    learns, regions, source = (cell.strip() for cell in row.split("|"))
    assert (learns, regions) == (facts.learns, "yes" if facts.shows_regions else "no")
    assert f"]({facts.link}), {facts.paper}" in source


def test_parameters_are_those_of_the_trained_model() -> None:
    facts = method_facts(METHODS["dualcoop"], encoders=tiny_pair(), num_classes=3)
    config = METHODS["dualcoop"].Model.Config()
    model = METHODS["dualcoop"].build(tiny_pair(), ["a", "b", "c"], config=config).model
    assert facts.parameters == sum(one.numel() for one in model.parameters())
    twice = method_facts(METHODS["dualcoop"], encoders=tiny_pair(), num_classes=6)
    assert twice.parameters == 2 * facts.parameters  # nothing but prompts of each class


def test_ones_own_method_needs_no_paper() -> None:
    facts = method_facts(load_task(f"{OWN}:LinearHeadTask"), encoders=tiny_pair(), num_classes=3)
    assert (facts.method, facts.parameters, facts.shows_regions) == ("linear-head", 3 * 129, False)
    assert (facts.title, facts.paper, facts.year, facts.link) == (None, None, None, None)


def test_no_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="`num_classes` must be at least 1, got 0"):
        method_facts(METHODS["coop"], encoders=tiny_pair(), num_classes=0)
