import json
import shutil
from pathlib import Path

import pytest

from benchmarks import ablation, completion, growth, stacking, training_step, write_page
from benchmarks.ablation import RESULTS, table
from trmml.demo import DEMO_RECIPE

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {
    "energies": "parts/category_aware_region_decoder.md",
    "sampling": "parts/multimodal_info_nce.md",
}
OLD_NAMES: dict[str, float] = {
    "epochs": DEMO_RECIPE.epochs,
    "max_lr": DEMO_RECIPE.max_lr,
    "warmup_share": 0.25,  # of the first stage, as it was called then
    "rising_share": DEMO_RECIPE.warmup_share,
    "clip_norm": DEMO_RECIPE.max_grad_norm,
}


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[float, int]]:
    """Keep results in a folder of the test's own, and note what is trained instead of training."""
    runs: list[tuple[float, int]] = []

    def train(variant: ablation.Variant, keep: float, seed: int) -> float:
        runs.append((keep, seed))
        return 50.0 + seed

    monkeypatch.setattr(ablation, "RESULTS", tmp_path)
    monkeypatch.setattr(ablation, "trainer", lambda: train)
    return runs


def write_results(group: str, recipe: dict[str, float], runs: dict[str, dict[str, list[float]]]):
    stored = {"recipe": recipe, "torch": "2.0", "map": runs}
    ablation.results(group).write_text(json.dumps(stored))


@pytest.mark.parametrize("group", PAGES)
def test_the_docs_show_the_committed_figures(group: str):
    measured = json.loads((RESULTS / f"ablation_{group}.json").read_text())
    assert table(measured) in (DOCS / PAGES[group]).read_text()


@pytest.mark.parametrize("group", PAGES)
def test_the_command_that_the_docs_name_takes_the_committed_figures_over(
    group: str, trained: list, capsys: pytest.CaptureFixture[str]
):
    shutil.copy(RESULTS / f"ablation_{group}.json", ablation.RESULTS)
    assert f"benchmarks/ablation.py {group} --keep 0.1`" in (DOCS / PAGES[group]).read_text()
    ablation.main([group, "--keep", "0.1"])
    assert trained == []
    said = capsys.readouterr().out
    assert table(json.loads((RESULTS / f"ablation_{group}.json").read_text())) in said
    measured = json.loads((RESULTS / f"ablation_{group}.json").read_text())
    is_older = ablation.todays_names(measured["recipe"]).keys() != ablation.settings_today().keys()
    assert said.startswith(f"ablation_{group}.json taken over; not compared: ") == is_older


def test_runs_of_an_older_recipe_are_taken_over_and_what_is_not_compared_is_said(
    trained: list, capsys: pytest.CaptureFixture[str]
):
    few, every = ablation.sampling()
    done = {few: {"0.5": [1.0, 2.0, 3.0]}, every: {"0.5": [4.0]}}
    write_results("sampling", OLD_NAMES | {"of_before": 1}, done)
    ablation.main(["sampling", "--keep", "0.5"])
    assert trained == [(0.5, 1), (0.5, 2)]
    lines = capsys.readouterr().out.splitlines()
    line = next(line for line in lines if "not compared" in line)
    names = line.split(": ")[1].split(", ")
    assert {"of_before", "schedule", "bank_capacity", "gradient_accumulation_steps"} <= {*names}
    assert not {"first_stage_share", "warmup_share", "max_grad_norm", "epochs"} & {*names}
    assert f"| {few} | 2.0 ± 1.0 |" in lines
    kept = json.loads(ablation.results("sampling").read_text())
    assert kept["map"][every] == {"0.5": [4.0, 51.0, 52.0]}
    assert kept["recipe"] == {
        "epochs": DEMO_RECIPE.epochs,
        "max_lr": DEMO_RECIPE.max_lr,
        "first_stage_share": 0.25,
        "warmup_share": DEMO_RECIPE.warmup_share,
        "max_grad_norm": DEMO_RECIPE.max_grad_norm,
    }
    ablation.main(["sampling", "--keep", "0.5"])  # what was written is read again
    assert len(trained) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"epochs": 3}, "made with epochs = 3, today 20"),
        ({"warmup_share": 0.5}, "made with first_stage_share = 0.5, today 0.25"),
        ({"rising_share": 0.5}, "made with warmup_share = 0.5, today 0.2"),
    ],
)
def test_runs_with_another_setting_are_refused_and_stay_as_they_are(
    change: dict, said: str, trained: list, capsys: pytest.CaptureFixture[str]
):
    done = {key: {"0.5": [1.0]} for key in ablation.sampling()}
    write_results("sampling", OLD_NAMES | change, done)
    before = ablation.results("sampling").read_text()
    with pytest.raises(SystemExit) as end:
        ablation.main(["sampling"])
    assert end.value.code == 2
    assert f"ablation_sampling.json was {said}; pass --fresh" in capsys.readouterr().err
    assert trained == []
    assert ablation.results("sampling").read_text() == before


def test_results_of_today_are_compared_in_all_settings(
    trained: list, capsys: pytest.CaptureFixture[str]
):
    done = {key: {"0.5": [1.0]} for key in ablation.sampling()}
    write_results("sampling", OLD_NAMES | {"epochs": 3}, done)
    ablation.main(["sampling", "--keep", "0.5", "--fresh"])
    assert len(trained) == 6
    assert "not compared" not in capsys.readouterr().out
    ablation.main(["sampling", "--keep", "0.5"])
    assert len(trained) == 6
    assert "not compared" not in capsys.readouterr().out


def test_every_variant_of_the_energies_differs():
    variants = ablation.energies()
    assert len({repr(variant) for variant in variants.values()}) == len(variants) == 8


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


def test_the_page_of_speed_is_written_from_the_committed_results():
    assert write_page.PAGE.read_text() == write_page.page()


def test_the_page_of_speed_says_which_rows_older_results_lack():
    measured = json.loads(training_step.RESULTS.read_text())
    for figures in (measured["seconds"], measured["tera_operations"]):
        figures.pop("shared_contexts")
    measured["ratios"].pop("public_shared")
    then, now = training_step.section(measured), write_page.page()
    changed = [line for line in then.splitlines() if line not in now]
    assert changed == [
        "| `TRMML` step, float32, contexts shared by all classes | not measured | – | – | – |",
        "| public code's step / step, shared | not measured | – | – |",
    ]


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


def test_thousands_of_classes_take_no_second_and_no_gibibyte_where_some_are_drawn():
    many = json.loads(growth.RESULTS.read_text())["many"]
    rows = {form: {row["classes"]: row for row in found} for form, found in many.items()}
    assert rows["sampled"][2_000]["seconds"] < 1
    assert rows["sampled"][2_000]["gib"] < 1
    assert {9_600} < {*rows["sampled"]} & {*rows["default"]}
    by_default = rows["default"]
    grown = by_default[9_600]["seconds"] / by_default[2_000]["seconds"]
    assert grown < 1.5 * 9_600 / 2_000  # near linear


def test_the_picture_of_growth_has_all_curves():
    axes = json.loads(growth.RESULTS.read_text())["axes"]
    assert axes.keys() == growth.AXES.keys()
    for found in axes.values():
        assert found["seconds"].keys() == growth.STEPS.keys()
        assert {len(curve) for curve in found["seconds"].values()} == {len(found["sizes"])}
    assert growth.PICTURE.exists()


@pytest.mark.parametrize("world", ["generated", "landscapes", "real-landscapes"])
def test_the_docs_show_the_committed_figures_of_completion(world: str):
    measured = json.loads((completion.RESULTS / f"completion_{world}.json").read_text())
    page = (DOCS / "parts" / "trmml.md").read_text()
    assert completion.table(measured) in page
    assert f"python -m benchmarks.completion {world}" in page


@pytest.mark.parametrize("world", ["generated", "landscapes", "real-landscapes"])
def test_the_docs_show_the_committed_figures_of_the_stack(world: str):
    measured = json.loads((stacking.RESULTS / f"stacking_{world}.json").read_text())
    page = (DOCS / "parts" / "zero_shot_stack.md").read_text()
    assert stacking.table(measured) in page
    assert f"python -m benchmarks.stacking {world}" in page
