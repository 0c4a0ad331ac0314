from dataclasses import FrozenInstanceError, fields
from typing import get_args, get_type_hints

import pytest

from trmml.data.transforms import TRANSFORM_RECIPES
from trmml.encoders import EncoderSource
from trmml.training import CacheConfig, DataConfig, EncoderConfig, Recipe, RunConfig


def test_the_transforms_are_those_there_are() -> None:
    assert set(get_args(get_type_hints(DataConfig)["transform"])) == set(TRANSFORM_RECIPES)


def test_the_default_selects_on_images_of_the_training_set() -> None:
    config = RunConfig()
    assert config.selection == "validation"
    assert config.data.validation_share > 0
    assert config.data.validation_labels == "known"


@pytest.mark.parametrize("kind", [RunConfig, DataConfig, EncoderConfig, CacheConfig])
def test_a_configuration_cannot_be_changed_and_takes_keywords_alone(kind: type) -> None:
    config = kind()
    first = fields(kind)[0].name
    with pytest.raises(FrozenInstanceError):
        setattr(config, first, None)
    with pytest.raises(TypeError, match="positional"):
        kind(None)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"keep": 10.0}, "`keep` must be a share .* got 10.0; 10 percent is 0.1"),
        ({"keep": (0.1, -0.1)}, "`keep` must be a share"),
        ({"keep": ()}, "`keep` must be a share"),
        ({"keep": 0.1, "label_file": "x.mask"}, "`keep` and `label_file` exclude each other"),
        ({"keep": 0.1, "protocol": "spml"}, "`keep` must be null for protocol 'spml'"),
        ({"keep": 0.1, "protocol": "splc"}, "`keep` must be null for protocol 'splc'"),
        ({"validation_share": 1.0}, r"`validation_share` must be in \[0, 1\), got 1.0"),
        ({"validation_share": -0.1}, "`validation_share` must be in"),
        ({"image_size": 0}, "`image_size` must be at least 1, got 0"),
        ({"workers": -1}, "`workers` must be at least 0, got -1"),
        ({"mask_seed": -1}, "`mask_seed` must be at least 0"),
        ({"validation_seed": -1}, "`validation_seed` must be at least 0"),
    ],
)
def test_impossible_data_is_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DataConfig(**values)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("keep", [None, 0.0, 1.0, (0.0, 1.0)])
def test_every_share_is_allowed(keep: float | tuple[float, ...] | None) -> None:
    assert DataConfig(keep=keep).keep == keep


def test_a_cache_holds_at_least_one_view() -> None:
    with pytest.raises(ValueError, match="`views` must be at least 1, got 0"):
        CacheConfig(views=0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"data": DataConfig(validation_share=0.0)}, "needs `data.validation_share` above 0"),
        ({"selection": "test"}, "'test' needs `data.test_split`"),
        ({"selection": "last", "recipe": Recipe(patience=2)}, "`recipe.patience` needs"),
        ({"checkpoint_every": 0}, "`checkpoint_every` must be null or at least 1, got 0"),
    ],
)
def test_a_run_that_contradicts_itself_is_refused(values: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RunConfig(**values)


@pytest.mark.parametrize("where", [{"test_split": "test"}, {"test_path": "test.csv"}])
def test_selection_on_the_test_set_is_there_by_name(where: dict[str, str]) -> None:
    assert RunConfig(data=DataConfig(**where), selection="test").data.has_test  # pyright: ignore[reportArgumentType]


def test_several_shares_are_a_run_each() -> None:
    config = RunConfig(name="all", data=DataConfig(path="x", keep=(0.1, 1.0)))
    assert config.runs == (
        RunConfig(name="all-0.1", data=DataConfig(path="x", keep=0.1)),
        RunConfig(name="all-1", data=DataConfig(path="x", keep=1.0)),
    )
    assert [run.runs for run in config.runs] == [(run,) for run in config.runs]


def test_the_tiny_encoder_is_loaded_with_its_precision() -> None:
    import torch

    pair = EncoderConfig(family="tiny", precision="bfloat16").load(image_size=256)
    assert pair.source.family == "tiny"
    assert pair.image.autocast_dtype == torch.bfloat16  # pyright: ignore[reportAttributeAccessIssue]
    plain = EncoderConfig(family="tiny").load()
    assert plain.image.autocast_dtype is None  # pyright: ignore[reportAttributeAccessIssue]


def test_an_open_clip_is_loaded_as_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from trmml.training.config import encoder_config

    seen: dict[str, object] = {}

    class Loaded(Exception):
        pass

    def load(source: EncoderSource, **settings: object) -> None:
        seen.update(source.options, name=source.name, pretrained=source.pretrained, **settings)
        raise Loaded

    monkeypatch.setattr(encoder_config, "load_encoders", load)
    config = EncoderConfig(
        name="ViT-B-16",
        pretrained="file.pt",
        quick_gelu=True,
        mean=(0.1, 0.2, 0.3),
        std=(0.4, 0.5, 0.6),
        dense_path="tokens",
        precision="float16",
        channels_last=False,
    )
    with pytest.raises(Loaded):
        config.load(image_size=448)
    assert seen == {
        "name": "ViT-B-16",
        "pretrained": "file.pt",
        "image_size": 448,
        "quick_gelu": True,
        "mean": (0.1, 0.2, 0.3),
        "std": (0.4, 0.5, 0.6),
        "dense_path": "tokens",
        "channels_last": False,
        "autocast_dtype": torch.float16,
    }
