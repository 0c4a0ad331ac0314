import json
from pathlib import Path

import pytest

from benchmarks import photographs
from benchmarks.ablation import RESULTS, table

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {
    "energies": "parts/category_aware_region_decoder.md",
    "ingredients": "parts/trmml.md",
    "prototypes": "parts/trmml.md",
}


@pytest.mark.parametrize("group", PAGES)
def test_the_docs_show_the_committed_figures(group: str):
    measured = json.loads((RESULTS / f"ablation_{group}.json").read_text())
    assert table(measured) in (DOCS / PAGES[group]).read_text()


def test_the_docs_show_the_committed_figures_on_photographs():
    measured = json.loads(photographs.RESULTS.read_text())
    assert photographs.table(measured) in (DOCS / "parts" / "trmml.md").read_text()


def test_a_table_shows_means_and_leaves_unfinished_cells_empty():
    done = {"map": {"a": {"0.1": [1.0, 2.0, 3.0], "0.5": [1.0]}, "b": {"0.1": [5.0, 5.0, 5.0]}}}
    assert table(done).splitlines()[2:] == ["| a | 2.0 ± 1.0 |  |", "| b | 5.0 ± 0.0 |  |"]


def test_the_bank_takes_less_than_a_fiftieth_of_a_step():
    measured = json.loads((RESULTS / "memory_bank_share.json").read_text())
    assert measured["classes"] == 80
    assert measured["share"] < 0.02
    page = (DOCS / "parts" / "prototype_memory_bank.md").read_text()
    assert f"{measured['share']:.2%}" in page.replace(" %", "%")


def test_thousands_of_categories_fit_in_the_memory_the_docs_name():
    rows = json.loads((RESULTS / "info_nce_memory.json").read_text())["rows"]
    blocked = {row["classes"]: row["gib"] for row in rows if not row["at_once"]}
    at_once = {row["classes"]: row["gib"] for row in rows if row["at_once"]}
    assert blocked[9600] < 1
    page = (DOCS / "parts" / "multimodal_info_nce.md").read_text()
    assert f"take {blocked[9600]} GiB" in page
    assert f"took {at_once[4800]} GiB" in page
