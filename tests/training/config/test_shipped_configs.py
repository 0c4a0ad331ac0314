"""The files that ship: those of TRM-ML's rows in the tables, with the paper's values."""

import re
from dataclasses import asdict, replace
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest

from tests.data.benchmark_folders import write_benchmarks
from trmml.data import OFFICIAL_COUNTS, find_splits, official_counts
from trmml.losses import LOSSES
from trmml.models import ABLATIONS, METHODS, PROTOTYPE_ABLATIONS, LossConfig, TRMMLConfig
from trmml.training import Recipe, RunConfig, list_run_configs, load_run_config
from trmml.training.config.plain_yaml import read_yaml

ROOT = Path(__file__).parents[3]
PROBE = "linear-probe"
MEANS = (2.9, 1.5, 1.9, 31.4)  # positives of an image, as ROLE's code has them
NINE = tuple(i / 10 for i in range(1, 10))
FIVE = NINE[:5]
DATASETS = {
    "coco2014": "COCO",
    "voc2007": "VOCdevkit/VOC2007",
    "vg200": "VG",
    "voc2012": "VOCdevkit/VOC2012",
    "nus-wide-spml": "NUS-SPML",
    "nus-wide-asl": "NUS-ASL",
    "cub": "CUB_200_2011",
}
TABLE_1 = {
    "coco2014": [83.3, 84.5, 85.0, 85.3, 85.6, 85.8, 86.1, 86.4, 86.5],
    "voc2007": [93.9, 94.6, 94.9, 95.3, 95.4, 95.6, 95.6, 95.6, 95.7],
    "vg200": [50.5, 51.9, 52.0, 53.0, 53.3, 53.5, 53.6, 53.7, 53.9],
}
TABLE_1_OTHERS = {
    "curriculum-coco2014": 60.7,
    "partial-bce-coco2014": 74.7,
    "sst-coco2014": 76.7,
    "sarb-coco2014": 77.9,
    "dualcoop-coco2014": 81.9,
    "scpnet-coco2014": 83.2,
    "hspnet-coco2014": 83.4,
    "partial-bce-voc2007": 90.0,
    "sst-voc2007": 90.4,
    "sarb-voc2007": 90.7,
    "dualcoop-voc2007": 93.2,
    "scpnet-voc2007": 93.5,
    "ssgrl-vg200": 39.7,
    "ml-gcn-vg200": 39.3,
    "sst-vg200": 41.8,
    "sarb-vg200": 46.0,
    "scpnet-vg200": 49.4,
}
TABLE_2 = {
    "largeloss-coco2014": 78.6,
    "largeloss-voc2012": 91.8,
    "largeloss-nus-wide": 57.3,
    "largeloss-cub": 26.9,
    "splc-coco2014": 79.2,
    "splc-voc2012": 92.2,
    "splc-nus-wide": 63.4,
    "splc-cub": 27.6,
}
TABLE_2_DATASETS = ["coco2014", "voc2012", "nus-wide", "cub"]
TABLE_2_OTHERS = {
    "lsan-largeloss": (69.2, 86.7, 50.5, 17.9),
    "role-largeloss": (69.0, 88.2, 51.0, 16.8),
    "large-loss-largeloss": (71.6, 89.3, 49.6, 21.8),
    "splc-largeloss": (72.0, 87.7, 49.8, 18.0),
    "hspnet-largeloss": (74.8, 89.4, 56.3, 23.4),
    "scpnet-largeloss": (75.4, 90.1, 55.7, 25.4),
    "lsan-splc": (70.5, 87.2, 52.5, 18.9),
    "role-splc": (70.9, 89.0, 50.6, 20.4),
    "hill-splc": (73.2, 87.8, 55.0, 18.8),
    "splc-splc": (73.2, 88.1, 55.2, 20.0),
    "hspnet-splc": (75.7, 90.4, 61.8, 24.3),
    "scpnet-splc": (76.4, 91.2, 62.0, 25.7),
}
"""By row and set-up, the figure on each dataset."""
TABLE_3 = {
    "baseline": (77.7, 90.8),
    "carl": (84.1, 94.2),
    "carl-kd": (84.4, 94.6),
    "carl-kd-mmcp": (84.7, 94.9),
    "carl-kd-mmcl": (85.0, 94.7),
    "all": (85.4, 95.2),
}
TABLE_4 = {"voc2007": (94.0, 95.0, 92.0, 94.8), "coco2014": (83.3, 84.1, 80.8, 83.1)}
TABLE_6 = {"none": 93.24, "text": 94.29, "visual": 94.15, "both": 94.76}

CELLS: dict[str, float | None] = {
    f"table1/{dataset}-{keep}": figure
    for dataset, row in TABLE_1.items()
    for keep, figure in zip(NINE, row, strict=True)
}
CELLS |= {f"table2/{name}": figure for name, figure in TABLE_2.items()}
CELLS |= {
    f"table3/{dataset}-{row}": figure
    for row, both in TABLE_3.items()
    for dataset, figure in zip(("coco2014", "voc2007"), both, strict=True)
}
CELLS |= {
    f"table4/{dataset}-{row}": figure
    for dataset, figures in TABLE_4.items()
    for row, figure in zip(
        ("without", "with", "without-0.1", "with-0.1", "complete"), (*figures, None), strict=True
    )
}
CELLS |= {f"table6/voc2007-{row}": figure for row, figure in TABLE_6.items()}

GENERATED = {"generated/llm-pt": "tai-dpt", "generated/t2i-pal": "dualcoop"}
"""By whose prompts data are learnt that a language model or an image generator made."""
FIGURE_1 = [f"figure1/text-{image}" for image in ("image", "pixel", "text", "region")]


@cache
def shipped(name: str) -> RunConfig:
    return load_run_config(name)


def test_there_is_a_file_for_each_cell_and_no_other() -> None:
    assert len(CELLS) == 27 + 8 + 12 + 10 + 4
    rows = {f"table1/{name}" for name in TABLE_1_OTHERS}
    rows |= {f"table2/{row}-{dataset}" for row in TABLE_2_OTHERS for dataset in TABLE_2_DATASETS}
    others = {"paper", "own", "tiny", *FIGURE_1, *GENERATED} | rows | {*METHODS} - {"trmml"}
    assert set(list_run_configs()) == {*CELLS, *DATASETS, *others}


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_is_named_with_the_papers_figure(name: str) -> None:
    said = list_run_configs()[name]
    assert said.startswith(f"Table {name[5]}, ")
    expected = "no figure" if CELLS[name] is None else str(CELLS[name])
    assert said.endswith(f"Paper: {expected}.")


def test_every_value_says_whether_it_is_the_papers_or_ours() -> None:
    text = (files("trmml") / "configs" / "paper.yaml").read_text()
    values = re.findall(r"^ *\w+: +\S.*$", text, re.M)
    assert len(values) > 60
    marked = re.compile(r"^ *\w+: +\S+ +# (paper|ours|yours)\b")
    assert [line for line in values if not marked.search(line)] == []


@pytest.mark.parametrize("name", sorted({*list_run_configs()} - {"paper"}))
def test_a_cell_says_only_what_differs(name: str) -> None:
    text = (files("trmml") / "configs" / f"{name}.yaml").read_text()
    assert len(text.splitlines()) <= 16
    assert "\nextends: " in text or name in (*METHODS, *FIGURE_1)


def test_the_papers_file_states_every_setting_that_is_on_as_the_code_has_it() -> None:
    stated = read_yaml((files("trmml") / "configs" / "paper.yaml").read_text(), source="paper")
    defaults = asdict(RunConfig(name="paper"))
    assert {"name", *stated} == set(defaults)
    for section in ("data", "encoder", "model", "recipe", "cache"):
        unstated = {
            name: defaults[section].pop(name) for name in {*defaults[section]} - {*stated[section]}
        }
        assert [name for name, value in unstated.items() if value not in (None, False)] == []
        assert stated[section] == defaults[section]
    assert shipped("paper") == RunConfig(name="paper")


@pytest.mark.parametrize("name", [*CELLS, *DATASETS])
def test_the_papers_recipe_holds_everywhere(name: str) -> None:
    config = shipped(name)
    recipe = {"epochs": 40, "batch_size": 128, "max_lr": 5e-4, "schedule": "onecycle"}
    assert recipe.items() <= asdict(config.recipe).items()
    assert config.recipe == Recipe()
    model = {
        "context_length": 16,
        "class_specific": True,
        "prompt_init": None,
        "negative": "prompt",
        "region_weight": 1.0,
        "distillation_weight": 0.05,
        "contrastive_weight": 0.01,
        "loss": {"name": "asymmetric", "settings": {}},
    }
    assert model.items() <= asdict(config.model).items()
    assert (config.data.image_size, config.data.transform) == (448, "tai-dpt")
    assert (config.encoder.family, config.encoder.pretrained) == ("open_clip", "openai")
    assert config.encoder.name == ("RN50" if name.startswith("table2/") else "RN101")
    assert config.cache.directory is None


@pytest.mark.parametrize("name", list_run_configs())
def test_no_file_selects_on_the_test_set_or_on_labels_nobody_has(name: str) -> None:
    config = shipped(name)
    assert config.selection == "validation"
    assert config.data.validation_labels == "known"
    assert config.data.validation_share == (0.2 if "largeloss" in name else 0.1)


@pytest.mark.parametrize("name", [*CELLS, *DATASETS])
def test_the_splits_are_those_that_the_readers_find(name: str, benchmarks: Path) -> None:
    data = shipped(name).data
    assert data.train_split is not None
    assert data.test_split is not None
    dataset = data.train_split.split("/")[0]
    found = find_splits(benchmarks / DATASETS[dataset if dataset in DATASETS else "cub"])
    assert {data.train_split, data.test_split} <= set(found)
    assert official_counts(data.train_split) in OFFICIAL_COUNTS.values()
    assert official_counts(data.test_split) in OFFICIAL_COUNTS.values()


@pytest.fixture(scope="module")
def benchmarks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("benchmarks")
    write_benchmarks(folder)
    return folder


@pytest.mark.parametrize("dataset", TABLE_1)
@pytest.mark.parametrize("keep", NINE)
def test_table_1(dataset: str, keep: float) -> None:
    config, base = shipped(f"table1/{dataset}-{keep}"), shipped(dataset)
    assert config.data == replace(base.data, keep=keep)
    assert config.model == TRMMLConfig()
    assert (config.data.protocol, config.data.mask_seed) == ("hcp", None)


@pytest.mark.parametrize("name", TABLE_1_OTHERS)
def test_a_row_of_another_method_is_its_recipe_on_the_data_of_ours(name: str) -> None:
    row, _, dataset = name.rpartition("-")
    method = PROBE if row in LOSSES else row
    config, alone, base = shipped(f"table1/{name}"), shipped(method), shipped(dataset)
    own = {"transform": alone.data.transform, "image_size": alone.data.image_size}
    assert config.data == replace(base.data, keep=NINE, **own)
    assert config.encoder == base.encoder
    assert type(config.model) is METHODS[method].Model.Config
    # What the public code has for one dataset alone.
    rates = {"dualcoop-voc2007": 1e-3, "scpnet-coco2014": 1e-5}
    decays = {"scpnet-coco2014": 0.9997}
    assert config.recipe == replace(
        alone.recipe,
        max_lr=rates.get(name, alone.recipe.max_lr),
        ema_decay=decays.get(name, alone.recipe.ema_decay),
    )
    taught = replace(alone.model, loss=LossConfig(row)) if row in LOSSES else alone.model
    assert (config.model == taught) == (name != "scpnet-coco2014")


@pytest.mark.parametrize("name", TABLE_1_OTHERS)
def test_a_row_of_another_method_says_where_the_papers_figure_is_of_more(name: str) -> None:
    said = list_run_configs()[f"table1/{name}"]
    figure = TABLE_1_OTHERS[name]
    if name.startswith("dualcoop"):
        assert said.endswith(f" DualCoOp; mean over 10 to 90 % of the labels. Paper: {figure}.")
    else:
        learns = "linear probe" if name.rpartition("-")[0] in LOSSES else "frozen tower"
        assert f" on a {learns}; mean over 10 to 90 % of the labels. " in said
        assert said.endswith(f" Paper: {figure}, its tower learns.")


@pytest.mark.parametrize("name", TABLE_2)
def test_table_2(name: str) -> None:
    config = shipped(f"table2/{name}")
    assert config.model == TRMMLConfig(unknown_as_negative=True)
    is_largeloss = name.startswith("largeloss")
    assert config.data.protocol == ("spml" if is_largeloss else "splc")
    assert config.data.mask_seed == (1200 if is_largeloss else 0)
    assert config.data.validation_seed == 1200
    assert config.data.keep is None


@pytest.mark.parametrize("dataset", TABLE_2_DATASETS)
@pytest.mark.parametrize("row", TABLE_2_OTHERS)
def test_a_row_of_another_method_in_table_2(row: str, dataset: str) -> None:
    taught, _, setup = row.rpartition("-")
    name = f"table2/{row}-{dataset}"
    config, ours = shipped(name), shipped(f"table2/{setup}-{dataset}")
    method = taught if taught in METHODS else PROBE
    alone = shipped(method)
    own = {"transform": alone.data.transform, "image_size": alone.data.image_size}
    assert config.data == replace(ours.data, **own)
    assert config.encoder == ours.encoder
    assert config.recipe.epochs == alone.recipe.epochs
    assert type(config.model) is METHODS[method].Model.Config
    assert config.model.uses_unknown  # else nothing could be selected on: no negative is known
    loss = {"lsan": "assume-negative", **dict.fromkeys(METHODS, "splc")}.get(taught, taught)
    corrects = {"voc2012": {"first_epoch": 2}, "nus-wide": {"first_epoch": 3}}
    settings = {
        "hspnet": corrects.get(dataset, {}),
        "lsan": {"smoothing": 0.1},
        "role": {"expected_positives": dict(zip(TABLE_2_DATASETS, MEANS, strict=True))[dataset]},
    }
    assert (config.model.loss.name, config.model.loss.settings) == (loss, settings.get(taught, {}))
    figure = TABLE_2_OTHERS[row][TABLE_2_DATASETS.index(dataset)]
    said = list_run_configs()[name]
    assert f" on a {'linear probe' if method == PROBE else 'frozen tower'}, " in said
    assert said.endswith(f"set-up. Paper: {figure}, its tower learns.")


# As docs/how-to/getting_the_data.md makes the label files.
@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("largeloss-coco2014", "coco2014/train/by_id_text"),
        ("largeloss-voc2012", "voc2012/train/by_name"),
        ("largeloss-nus-wide", "nus-wide-spml/train"),
        ("largeloss-cub", "cub/train"),
        ("splc-coco2014", "coco2014/train/annotated"),
        ("splc-voc2012", "voc2012/train"),
        ("splc-nus-wide", "nus-wide-asl/train"),
        ("splc-cub", "cub/train"),
    ],
)
def test_the_rows_of_table_2_are_in_the_order_of_its_masks(name: str, split: str) -> None:
    assert shipped(f"table2/{name}").data.train_split == split


@pytest.mark.parametrize("dataset", ["coco2014", "voc2007"])
@pytest.mark.parametrize("row", TABLE_3)
def test_table_3(dataset: str, row: str) -> None:
    config = shipped(f"table3/{dataset}-{row}")
    assert config.model == ABLATIONS[row.replace("-", "+")]
    assert config.data == replace(shipped(dataset).data, keep=NINE)


@pytest.mark.parametrize("dataset", TABLE_4)
def test_table_4(dataset: str) -> None:
    data = shipped(dataset).data
    for row in ("without", "with"):
        config = shipped(f"table4/{dataset}-{row}")
        low = shipped(f"table4/{dataset}-{row}-0.1")
        assert config.data == replace(data, keep=FIVE)
        assert low == config.runs[0]
        model = config.model
        assert isinstance(model, TRMMLConfig)
        assert replace(model, region_decoder=None) == ABLATIONS["carl+kd"]
        taken = f"runs/table4/{dataset}-complete/" in str(model.region_decoder)
        assert taken == (row == "with")
    complete = shipped(f"table4/{dataset}-complete")
    assert complete.data == data
    assert complete.name == f"table4/{dataset}-complete"
    assert complete.model == ABLATIONS["carl+kd"]


@pytest.mark.parametrize("row", TABLE_6)
def test_table_6(row: str) -> None:
    config = shipped(f"table6/voc2007-{row}")
    assert config.model == PROTOTYPE_ABLATIONS[row]
    assert config.data == replace(shipped("voc2007").data, keep=FIVE)


def test_the_configuration_for_ones_own_differs_in_what_measured_better() -> None:
    paper = shipped("paper")
    calibrated = replace(TRMMLConfig(), completion="calibrated")
    assert shipped("own") == replace(paper, name="own", model=calibrated, prediction="stack")


@pytest.mark.parametrize("name", [name for name in METHODS if name != "trmml"])
def test_a_method_has_a_configuration_that_goes_with_any_data(name: str, tmp_path: Path) -> None:
    alone = shipped(name)
    assert type(alone.model) is METHODS[name].Model.Config
    (tmp_path / "both.yaml").write_text(f"extends: [voc2007, {name}]\ndata: {{keep: 0.1}}\n")
    both = load_run_config(tmp_path / "both.yaml")
    assert (both.model, both.recipe) == (alone.model, alone.recipe)
    own = {"transform": alone.data.transform, "image_size": alone.data.image_size}
    assert both.data == replace(shipped("voc2007").data, keep=0.1, **own)


@pytest.mark.parametrize("name", FIGURE_1)
def test_figure_1_is_four_configurations_that_go_with_any_data(name: str, tmp_path: Path) -> None:
    (tmp_path / "both.yaml").write_text(f"extends: [voc2007, {name}]\ndata: {{keep: 0.1}}\n")
    both = load_run_config(tmp_path / "both.yaml")
    expected = {
        "figure1/text-image": ABLATIONS["baseline"],
        "figure1/text-pixel": ABLATIONS["dualcoop"],
        "figure1/text-text": METHODS["tai-dpt"].Model.Config(),
        "figure1/text-region": TRMMLConfig(),
    }
    assert both.model == expected[name]
    assert (both.data.train_split, both.data.keep) == ("voc2007/trainval", 0.1)


@pytest.mark.parametrize("name", GENERATED)
def test_generated_data_are_learnt_by_the_recipe_of_a_method_that_is_here(name: str) -> None:
    assert shipped(name) == replace(shipped(GENERATED[name]), name=name)


def test_the_published_recipe_of_dualcoop() -> None:
    recipe = shipped("dualcoop").recipe
    assert (recipe.epochs, recipe.batch_size, recipe.max_lr, recipe.weight_decay) == (
        50,
        32,
        2e-3,
        5e-4,
    )
    assert (recipe.optimizer, recipe.schedule) == ("sgd", "epochs")


def test_the_tiny_configuration_runs_the_embedded_pair() -> None:
    config = shipped("tiny")
    assert config.encoder.family == "tiny"
    assert config.model == TRMMLConfig()
    assert config.recipe == replace(Recipe(), batch_size=32)
