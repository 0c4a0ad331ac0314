import hashlib
import json
import sys
from inspect import signature
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.random_clip import random_pair
from trmml.encoders import EncoderSource, load_encoders, load_open_clip, load_tiny
from trmml.encoders.fingerprint import pair_fingerprints
from trmml.encoders.load import FAMILIES, EncoderFamily, _loader, check_options
from trmml.encoders.tiny import TINY_CONFIG, build_tiny, pack_tiny


def test_what_changes_the_numbers_is_remembered_and_asked_for_again() -> None:
    half = (0.5, 0.5, 0.5)
    pair = load_open_clip("ViT-S-32", quick_gelu=True, mean=half, std=half, dense_path="tokens")
    assert pair.source.options == {
        "quick_gelu": True,
        "mean": half,
        "std": half,
        "dense_path": "tokens",
    }
    again = load_encoders(pair.source, image_size=64)
    assert again.source == pair.source
    assert again.image.mean == half
    again.image.load_state_dict(pair.image.state_dict())  # pyright: ignore[reportAttributeAccessIssue]
    images = torch.randn(1, 3, 64, 64)
    assert torch.equal(again.image(images).dense, pair.image(images).dense)


def test_defaults_are_not_written_down() -> None:
    assert load_open_clip("ViT-S-32").source == EncoderSource("open_clip", "ViT-S-32", None)


def test_a_source_that_was_written_as_json_is_the_same_again() -> None:
    half = (0.5, 0.5, 0.5)
    source = load_open_clip("ViT-S-32", mean=half, dense_path="tokens").source
    read = EncoderSource(**json.loads(json.dumps(source._asdict())))
    assert load_encoders(read).source == source


def other_tiny_weights(folder: Path) -> Path:
    """Write weights of the tiny architecture that were never trained, and their card."""
    path, tokens = folder / "other.safetensors", [3, 5, 49406, 49407]
    state = build_tiny().state_dict()
    save_file(pack_tiny(state, token_ids=tokens, num_positions=9), path)
    card = {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "config": TINY_CONFIG,
        "token_ids": tokens,
        "fill_seed": 0,
    }
    path.with_suffix(".json").write_text(json.dumps(card))
    return path


def test_a_tiny_pair_of_other_weights_is_loaded_again_with_those(tmp_path: Path) -> None:
    path = other_tiny_weights(tmp_path)
    pair = load_tiny(weights=path)
    assert pair.source == EncoderSource("tiny", "tiny", str(path))
    again = load_encoders(pair.source)
    assert again.source == pair.source
    assert pair_fingerprints(again) == pair_fingerprints(pair)
    assert pair_fingerprints(again)["image"] != pair_fingerprints(load_tiny())["image"]


def test_the_tiny_family_has_one_name() -> None:
    with pytest.raises(ValueError, match=r"`name` must be 'tiny' for .* family 'tiny', got 'RN50'"):
        load_encoders(EncoderSource("tiny", "RN50", None))


@pytest.mark.parametrize(
    "source", [EncoderSource("tiny", "tiny", None), EncoderSource("open_clip", "RN50", None)]
)
def test_size_and_precision_reach_every_family(source: EncoderSource) -> None:
    image = load_encoders(source, image_size=64, autocast_dtype=torch.bfloat16).image
    assert image.image_size == (64, 64)  # pyright: ignore[reportAttributeAccessIssue]
    assert image.autocast_dtype == torch.bfloat16  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(ValueError, match="must have a height divisible by 32"):
        load_encoders(source, image_size=65)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_loader_takes_what_every_family_is_asked_for(family: str) -> None:
    parameters = signature(_loader(family)).parameters
    assert next(iter(parameters)) == "name"
    assert {"pretrained", "image_size", "autocast_dtype"} <= set(parameters)


@pytest.mark.parametrize(
    ("family", "message"),
    [
        ("tiny", "family 'tiny' must be among 'channels_last', got 'dense', 'quick_gelu'; leave"),
        ("open_clip", r"must be among 'cache_dir', .*'quick_gelu', 'std', got 'dense'; leave out"),
    ],
)
def test_an_option_that_a_family_does_not_know_is_refused(family: str, message: str) -> None:
    source = EncoderSource(family, "x", None, {"quick_gelu": True, "dense": 1})
    for refuse in (load_encoders, check_options):
        with pytest.raises(ValueError, match=message):
            refuse(source)


OWN_FAMILY = """
from tests.random_clip import random_pair
from trmml.encoders import EncoderSource

def load_own(name, *, pretrained=None, image_size=None, autocast_dtype=None, dense=0):
    source = EncoderSource("own", name, pretrained, {"dense": dense})
    return random_pair()._replace(source=source)
"""


def test_a_new_family_is_one_file_and_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_family.py").write_text(OWN_FAMILY)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(FAMILIES, "own", EncoderFamily("own_family:load_own", "small", None))
    assert "own_family" not in sys.modules  # before it is asked for
    source = EncoderSource("own", "large", "file.pt", {"dense": 3})
    assert load_encoders(source, image_size=32).source == source
    monkeypatch.delitem(sys.modules, "own_family")
    with pytest.raises(ValueError, match="family 'own' must be among 'dense', got 'std'; leave"):
        load_encoders(source._replace(options={"std": 1}))


def test_a_pair_made_by_hand_cannot_be_loaded() -> None:
    with pytest.raises(ValueError, match=r"a family .*\('open_clip', 'tiny'\), got 'custom'"):
        load_encoders(random_pair().source)
