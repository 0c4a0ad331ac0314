from pathlib import Path

import pytest

from trmml.models import TRMMLConfig
from trmml.training import (
    CacheConfig,
    DataConfig,
    EncoderConfig,
    Recipe,
    RunConfig,
    dump_run_config,
    list_run_configs,
    load_run_config,
)
from trmml.training.config.files import named_method


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)


def message_of(name: str, *overrides: str) -> str:
    with pytest.raises(ValueError) as caught:
        load_run_config(name, overrides)
    return str(caught.value)


def test_a_file_says_what_differs_from_the_defaults(folder: Path) -> None:
    write(
        folder,
        mine="data:\n  keep: [0.1, 1]\n  class_names: [cat, dog]\nrecipe: {max_lr: 1e-3}\n"
        "encoder: {mean: [0, 0.5, 1]}\ncache:\n  # all commented out\n",
    )
    assert load_run_config("mine.yaml") == RunConfig(
        name="mine",
        data=DataConfig(keep=(0.1, 1.0), class_names=("cat", "dog")),
        recipe=Recipe(max_lr=1e-3),
        encoder=EncoderConfig(mean=(0.0, 0.5, 1.0)),
    )


def test_an_empty_file_is_all_defaults(folder: Path) -> None:
    write(folder, mine="# nothing yet\n")
    assert load_run_config(folder / "mine.yaml") == RunConfig(name="mine")


def test_a_file_extends_several_a_later_one_over_an_earlier(folder: Path) -> None:
    write(folder, a="data: {keep: 0.3}\nrecipe: {epochs: 7, seed: 7}\n", b="recipe: {seed: 8}\n")
    write(folder, mine="extends: [voc2007, a.yaml, b.yaml]\nrecipe: {batch_size: 9}\n")
    found = load_run_config(folder / "mine.yaml")
    recipe = found.recipe
    assert (recipe.epochs, recipe.seed, recipe.batch_size) == (7, 8, 9)
    assert (found.data.keep, found.data.train_split) == (0.3, "voc2007/trainval")


def test_a_file_extends_another_and_a_shipped_one(folder: Path) -> None:
    (folder / "sub").mkdir()
    write(folder, base="extends: voc2007\nname: base\nrecipe: {epochs: 7, seed: 7}\n")
    write(folder / "sub", mine="extends: ../base.yaml\nrecipe: {seed: 8}\n")
    config = load_run_config("sub/mine.yaml")
    assert config.name == "mine"
    assert (config.recipe.epochs, config.recipe.seed, config.recipe.batch_size) == (7, 8, 128)
    assert config.data.train_split == "voc2007/trainval"
    assert load_run_config("base.yaml").name == "base"


def test_a_value_that_is_null_goes_over_the_one_below(folder: Path) -> None:
    write(folder, mine="extends: table1/voc2007-0.1\ndata: {keep: null}\n")
    assert load_run_config("mine.yaml").data.keep is None


def test_overrides_go_over_the_file_in_their_order() -> None:
    words = ["recipe.max_lr=1e-5", "data.keep=[0.5, 1]", "recipe.max_lr=5e-4", "name=x=y"]
    config = load_run_config("tiny", [*words, "data.path=/a b/c", "recipe.mixed_precision=no"])
    assert config.recipe.max_lr == 5e-4
    assert config.data.keep == (0.5, 1.0)
    assert config.name == "x=y"
    assert config.data.path == "/a b/c"
    assert config.recipe.mixed_precision == "no"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "recipe.epoch=3",
            "override 'recipe.epoch=3': `recipe.epoch` is no setting; did you mean "
            "`recipe.epochs`?",
        ),
        (
            "epochs=3",
            "override 'epochs=3': `epochs` is no setting; did you mean `recipe.epochs`?",
        ),
        (
            "cache.zzz=3",
            "override 'cache.zzz=3': `cache.zzz` is no setting; known are `cache.directory`, "
            "`cache.views`.",
        ),
        (
            "recipe.epochs=5e-4",
            "override 'recipe.epochs=5e-4': `recipe.epochs` must be a whole number, got 0.0005.",
        ),
        (
            "recipe.epochs='3'",
            'override "recipe.epochs=\'3\'": `recipe.epochs` must be a whole number, got "3".',
        ),
        (
            "recipe.compile=1",
            "override 'recipe.compile=1': `recipe.compile` must be true or false, got 1.",
        ),
        ("name=2012", "override 'name=2012': `name` must be text, got 2012."),
        (
            "data.keep=[0.1, x]",
            "override 'data.keep=[0.1, x]': `data.keep` must be a number or a list of numbers or "
            'null, got [0.1, "x"].',
        ),
        (
            "encoder.mean=[1, 2]",
            "override 'encoder.mean=[1, 2]': `encoder.mean` must be a list of 3 numbers or null, "
            "got [1, 2].",
        ),
        (
            "data.protocol=hpc",
            "override 'data.protocol=hpc': `data.protocol` must be 'hcp', 'dualcoop', 'rps', "
            "'exact', 'stratified', 'spml' or 'splc', got \"hpc\".",
        ),
        (
            "encoder.precision=bf16",
            "override 'encoder.precision=bf16': `encoder.precision` must be 'bfloat16' or "
            "'float16' or null, got \"bf16\".",
        ),
        ("recipe=3", "override 'recipe=3': `recipe` must be a group of settings, got 3."),
        (
            "recipe.epochs.x=3",
            "override 'recipe.epochs.x=3': `recipe.epochs` must be a whole number, got {\"x\": 3}.",
        ),
        (
            "recipe.max_lr=-1",
            "override 'recipe.max_lr=-1': recipe: `max_lr` must be above 0, got -1.0.",
        ),
        (
            "data.validation_share=0",
            "tiny: `selection` = 'validation' needs `data.validation_share` above 0, got 0; or set "
            "`selection` to 'last'.",
        ),
        (
            "recipe.epochs",
            "override 'recipe.epochs': must be `setting=value`, such as recipe.epochs=3.",
        ),
        ("=3", "override '=3': must be `setting=value`, such as recipe.epochs=3."),
        (
            "data.keep=[",
            "override 'data.keep=[': line 1: no valid YAML; expected the node content, but found "
            "'<stream end>'.",
        ),
    ],
)
def test_a_mistake_is_named_with_what_would_do(override: str, message: str) -> None:
    assert message_of("tiny", override) == message


def test_every_mistake_is_in_one_message_with_the_file_it_is_in(folder: Path) -> None:
    write(folder, base="extends: voc2007\ndata: {pth: x}\nrecipe: {epochs: many}\n")
    write(folder, mine=f"extends: base.yaml\nmodel: {{energy: {'x' * 100}, tempratur: 1}}\n")
    assert message_of("mine.yaml", "data.keep=a").splitlines() == [
        "5 problems:",
        "  override 'data.keep=a': `data.keep` must be a number or a list of numbers or null, got "
        '"a".',
        "  base.yaml: `data.pth` is no setting; did you mean `data.path`?",
        f"  mine.yaml: `model.energy` must be 'aligned' or 'dot', got \"{'x' * 76}....",
        "  mine.yaml: `model.tempratur` is no setting; did you mean `model.temperature`?",
        '  base.yaml: `recipe.epochs` must be a whole number, got "many".',
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("recipe: {epochs: 3}\nrecipe: {seed: 1}", "mine.yaml: line 2: no valid YAML; `recipe` is"),
        ("- a\n- b", "mine.yaml: must hold settings as `name: value`, got list."),
        ("extends: [a, 1]", "mine.yaml: `extends` must be names or paths, got ['a', 1]."),
        ("extends: {a: b}", "mine.yaml: `extends` must be names or paths, got {'a': 'b'}."),
        ("extends: null", "mine.yaml: `extends` must be names or paths, got None."),
        ("extends: [voc2007, mine.yaml]", "mine.yaml: `extends` must not go in a circle, got "),
        ("extends: mine.yaml", "mine.yaml: `extends` must not go in a circle, got mine.yaml -> "),
        ("extends: gone.yaml", "gone.yaml: the file does not exist; check the path."),
        ("extends: voc", "voc: no configuration of that name ships with trmml; the nearest are"),
        ("1: 2", "mine.yaml: `1` is no setting; known are `name`, `data`"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(folder: Path, text: str, message: str) -> None:
    write(folder, mine=text)
    assert message_of("mine.yaml").startswith(message)


def test_a_circle_over_several_files_is_named(folder: Path) -> None:
    write(folder, a="extends: b.yaml", b="extends: ./c.yaml", c="extends: b.yaml")
    assert "got b.yaml -> c.yaml -> b.yaml." in message_of("a.yaml")


def test_what_is_no_text_is_refused(folder: Path) -> None:
    (folder / "mine.yaml").write_bytes(b"name: \xff")
    assert message_of("mine.yaml") == "mine.yaml: must be text in UTF-8, got something else."


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    message = message_of("voc207")
    assert "the nearest are voc2007, voc2012" in message
    assert "must end in .yaml" in message
    assert "they are paper, tiny" not in message
    assert "voc2007" in message_of("zzzzzz")


@pytest.mark.parametrize("name", list(list_run_configs()))
def test_every_shipped_configuration_is_written_and_read_back(folder: Path, name: str) -> None:
    config = load_run_config(name)
    assert config.name == name
    write(folder, copy=dump_run_config(config))
    assert load_run_config("copy.yaml") == config


def test_an_unusual_configuration_is_written_and_read_back(folder: Path) -> None:
    config = RunConfig(
        name="no: 5e-4 #ü",
        data=DataConfig(path="C:\\x", test_path="1e3", label_file="~", class_names=("no", "12")),
        encoder=EncoderConfig(mean=(0.1, 1e-9, 1 / 3), quick_gelu=False),
        model=TRMMLConfig(prompt_init="a photo of a", region_decoder="runs/x"),
        recipe=Recipe(max_lr=1e-30, ema_decay=0.9998, patience=3),
        cache=CacheConfig(directory="", views=4),
        selection="test",
        checkpoint_every=100,
    )
    write(folder, copy=dump_run_config(config))
    assert load_run_config("copy.yaml") == config


def test_a_base_lies_under_a_configuration_as_if_it_were_extended(folder: Path) -> None:
    write(
        folder,
        ground="data: {path: a.csv, keep: 0.3}\nrecipe: {epochs: 3}\n",
        mine="model: {method: dualcoop}\nrecipe: {epochs: 5}\n",
        both="extends: [ground.yaml, mine.yaml]\nname: mine\n",
    )
    found = load_run_config("mine.yaml", ["data.keep=0.2"], base="ground.yaml")
    assert found == load_run_config("both.yaml", ["data.keep=0.2"])
    assert (found.data.path, found.recipe.epochs, found.model.method) == ("a.csv", 5, "dualcoop")
    with pytest.raises(ValueError, match="no configuration of that name"):
        load_run_config("mine.yaml", base="grund")


def test_the_method_of_a_file_is_the_strongest_name_known_or_not(folder: Path) -> None:
    write(folder, mine="model: {method: my-own}\n", bare="extends: dualcoop\n", other="model: {}\n")
    assert named_method("mine.yaml") == "my-own"
    assert named_method("bare.yaml") == "dualcoop"
    assert named_method("other.yaml") == "trmml"
    assert named_method("other.yaml", base="mine.yaml") == "my-own"
    assert named_method("mine.yaml", ["model.method=coop"]) == "coop"
