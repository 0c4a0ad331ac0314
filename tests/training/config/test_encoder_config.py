from dataclasses import fields, replace
from inspect import signature

import pytest

from trmml.encoders import EncoderSource, load_open_clip
from trmml.encoders.load import FAMILIES
from trmml.training import EncoderConfig, load_run_config


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_alone_takes_its_usual_encoders(family: str) -> None:
    config = EncoderConfig(family=family)
    usual = FAMILIES[family]
    assert config.source == EncoderSource(family, usual.name, usual.pretrained)
    assert EncoderConfig(family=family, name=usual.name, pretrained=usual.pretrained) == config


def test_random_weights_can_be_asked_for() -> None:
    assert EncoderConfig(pretrained=None).source == EncoderSource("open_clip", "RN101", None)


def test_an_unknown_family_is_refused() -> None:
    message = r"`family` must be one of 'open_clip', 'tiny', got 'openclip'; did you mean 'open_c"
    with pytest.raises(ValueError, match=message):
        EncoderConfig(family="openclip")
    with pytest.raises(ValueError, match=f"override 'encoder.family=openclip': .*{message}"):
        load_run_config("tiny", ["encoder.family=openclip"])


@pytest.mark.parametrize(
    ("name", "value"),
    [("quick_gelu", True), ("mean", (0.0, 0.0, 0.0)), ("dense_path", "value")],
)
def test_an_option_that_the_family_does_not_know_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=rf"family 'tiny' must be among .*, got '{name}'; leave"):
        replace(EncoderConfig(family="tiny"), **{name: value})
    replace(EncoderConfig(), **{name: value})


def test_an_architecture_of_another_family_is_refused_on_loading() -> None:
    with pytest.raises(ValueError, match=r"`name` must be 'tiny' for .* got 'RN50'"):
        EncoderConfig(family="tiny", name="RN50").load()
    with pytest.raises(FileNotFoundError, match=r"`weights` must be a file .* got 'openai'"):
        EncoderConfig(family="tiny", pretrained="openai").load()


def test_every_option_is_one_of_open_clips_with_the_same_default() -> None:
    parameters = signature(load_open_clip).parameters
    for option in fields(EncoderConfig):
        if option.name not in ("family", "name", "pretrained", "precision"):
            assert parameters[option.name].default == option.default
