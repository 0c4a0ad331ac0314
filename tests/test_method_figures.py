import json
from pathlib import Path

import pytest

from benchmarks.method_figures import PAPER, RESULTS, measure, table

DOCS = Path(__file__).parents[1] / "docs" / "figures.md"


@pytest.fixture(scope="module")
def figures() -> dict[str, float]:
    return measure()


@pytest.mark.parametrize("figure", ["total", "learnable", "frozen"])
def test_parameters_are_within_two_percent_of_table_5(figures: dict[str, float], figure: str):
    assert figures[figure] == pytest.approx(PAPER[figure], rel=0.02)


def test_multiply_adds_are_within_three_percent_of_table_5(figures: dict[str, float]):
    assert figures["multiply_adds"] == pytest.approx(PAPER["multiply_adds"], rel=0.03)


def test_docs_and_committed_results_show_what_is_measured(figures: dict[str, float]):
    assert json.loads(RESULTS.read_text()) == {"paper": PAPER, "measured": figures}
    assert table(figures) in DOCS.read_text()
