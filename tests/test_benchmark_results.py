import json
from pathlib import Path

import pytest

from benchmarks import photographs, training_step, write_page
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


def test_an_epoch_on_cached_features_is_as_much_faster_as_the_docs_say():
    measured = json.loads((RESULTS / "feature_cache.json").read_text())
    sizes = [measured[name] for name in ("images", "batch_size", "image_size", "classes")]
    assert sizes == [128, 128, 448, 80]
    faster = measured["times_faster"]["processor"]
    taken = measured["median_least_most_seconds"]
    seconds = {name: times["processor"][0] for name, times in taken.items()}
    assert faster == pytest.approx(seconds["images"] / seconds["cache"], rel=1e-3)
    assert faster > 20
    page = (DOCS / "how-to" / "caching_features.md").read_text()
    assert f"1/{faster:.1f} of" in page
    assert f"{seconds['cache']:.1f} s instead of {seconds['images']:.1f} s for 128 images" in page
    assert f"the text tower takes {seconds['text']:.1f} s" in page
    assert f"reading them {seconds['reading']:.3f} s" in page


def test_the_page_of_speed_is_written_from_the_committed_results():
    assert write_page.PAGE.read_text() == write_page.page()


def test_a_training_step_was_measured_by_the_contract():
    measured = json.loads(training_step.RESULTS.read_text())
    setting = measured["setting"]
    sizes = (setting["batch_size"], setting["image_size"], setting["classes"])
    assert sizes == (4, 448, 80)
    assert setting["warm_up"] >= 1
    assert setting["rounds"] >= 3
    assert measured["environment"]["threads"] == 2
    assert measured["environment"]["matmul_precision"] == "highest"
    assert set(measured["seconds"]) == set(training_step.ROWS)
    assert set(measured["ratios"]) == set(training_step.RATIOS)


def test_the_step_does_a_third_of_the_plain_steps_operations():
    operations = json.loads(training_step.RESULTS.read_text())["tera_operations"]
    assert operations["float32"] < 0.36 * operations["plain"]
    assert operations["shared_contexts"] < 0.2 * operations["plain"]
    assert operations["float32"] < 1.02 * (operations["image"] + operations["text"])
    assert operations["predict"] < 1.01 * operations["image"]
