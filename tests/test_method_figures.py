import json
from pathlib import Path

import pytest

from benchmarks.method_figures import PAPER, RESULTS, SAVED, Figures, measure, saved_mib, table

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs" / "figures.md"


@pytest.fixture(scope="module")
def figures() -> Figures:
    return measure()


@pytest.mark.parametrize("figure", ["total", "learnable", "frozen"])
@pytest.mark.parametrize("method", PAPER)
def test_parameters_are_within_two_percent_of_table_5(figures: Figures, method: str, figure: str):
    assert figures[method][figure] == pytest.approx(PAPER[method][figure], rel=0.02)


@pytest.mark.parametrize("method", PAPER)
def test_multiply_adds_are_within_three_percent_of_table_5(figures: Figures, method: str):
    assert figures[method]["multiply_adds"] == pytest.approx(
        PAPER[method]["multiply_adds"], rel=0.03
    )


def test_the_same_counter_misses_dualcoop_by_more_than_the_methods_differ(figures: Figures):
    """So the agreement on TRM-ML says nothing, as the page has it."""
    here, papers = (
        {method: row["multiply_adds"] for method, row in source.items()}
        for source in (figures, PAPER)
    )
    missed = here["DualCoOp"] - papers["DualCoOp"]
    more = here["TRM-ML"] - here["DualCoOp"]
    assert missed == pytest.approx(0.39, abs=0.005)
    assert more == pytest.approx(0.07, abs=0.005)
    assert papers["TRM-ML"] - papers["DualCoOp"] == pytest.approx(0.53)
    page = DOCS.read_text()
    assert f"{missed:.2f} · 10⁹ more than the paper" in page
    assert f"{more:.2f} · 10⁹ here" in page


def test_docs_and_committed_results_show_what_is_measured(figures: Figures):
    committed = json.loads(RESULTS.read_text())
    assert (committed["paper"], committed["measured"]) == (PAPER, figures)
    assert table(figures) in DOCS.read_text()


def test_a_saved_model_is_as_large_as_the_pages_say():
    saved = {name: saved_mib(name) for name in SAVED}
    assert json.loads(RESULTS.read_text())["saved_mib"] == saved
    said = f"{saved['RN101']:.0f} MiB on RN101, {saved['RN50']:.0f} MiB on RN50"
    for page in (
        "README.md",
        "docs/architecture.md",
        "docs/how-to/sharing_and_export.md",
        "docs/parts/trmml.md",
    ):
        assert said in " ".join((ROOT / page).read_text().split()), page
