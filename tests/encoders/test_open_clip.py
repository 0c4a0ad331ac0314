# ruff: noqa: ANN401 - open_clip and timm ship no stubs
import json
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from open_clip.transformer import QuickGELU
from torch import nn

from tests.encoders.small_models import (
    NORMAL,
    RESNET,
    SIGLIP_TEXT,
    TEXT,
    TRANSFORMER,
    LetterTokenizer,
    clip,
    custom_text_clip,
    timm_visual,
)
from tests.encoders.test_checkpoint import EXTRAS, save_script
from trmml.encoders import (
    EncoderPair,
    EncoderSource,
    fingerprint,
    load_open_clip,
    wrap_open_clip,
)
from trmml.encoders.modified_resnet import ModifiedResNetTower
from trmml.encoders.timm_tower import TimmTower
from trmml.encoders.vision_transformer import VisionTransformerTower

SOURCE = EncoderSource("custom", "small", None)
OPENAI_MEAN = (0.48145466, 0.4578275, 0.40821073)
# open_clip's own tokenizer needs its vocabulary and length
WORDS = {**TEXT, "vocab_size": 49408, "context_length": 77}
TAG_MEAN, TAG_STD = (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)


@pytest.fixture(autouse=True)
def _small_architectures(monkeypatch: pytest.MonkeyPatch):
    architectures: dict[str, dict[str, Any]] = {
        "small-RN": {"vision_cfg": RESNET, "text_cfg": WORDS},
        "small-ViT": {"vision_cfg": TRANSFORMER, "text_cfg": WORDS},
        "small-ViT-quickgelu": {
            "vision_cfg": TRANSFORMER,
            "text_cfg": WORDS,
            "quick_gelu": True,
        },
        "small-SigLIP": {
            "vision_cfg": {
                "timm_model_name": "test_vit3",
                "timm_pool": "map",
                "timm_proj": "none",
                "image_size": 160,
            },
            "text_cfg": {**SIGLIP_TEXT, "hf_tokenizer_name": "timm/ViT-B-16-SigLIP"},
            "custom_text": True,
        },
        "small-roberta": {
            "vision_cfg": TRANSFORMER,
            "text_cfg": {"hf_model_name": "roberta-base"},
        },
        "small-coca": {"vision_cfg": TRANSFORMER, "text_cfg": WORDS, "multimodal_cfg": {}},
    }
    dims = {"small-SigLIP": 96}
    for name, config in architectures.items():
        config = {"embed_dim": dims.get(name, 24), **config}
        monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, name, config)
    images = {"mean": TAG_MEAN, "std": TAG_STD}
    tags = {"plain": images, "fast_gelu": {**images, "quick_gelu": True}}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "small-ViT", tags)


def wrap(model: nn.Module, **options: Any) -> EncoderPair:
    return wrap_open_clip(model, LetterTokenizer(), source=SOURCE, **NORMAL, **options)


def uses_quick_gelu(pair: EncoderPair) -> bool:
    image, text = pair.image, pair.text
    assert isinstance(image, nn.Module)
    assert isinstance(text, nn.Module)
    found = {any(isinstance(m, QuickGELU) for m in tower.modules()) for tower in (image, text)}
    assert len(found) == 1  # both towers or neither
    return found.pop()


def vit_state() -> dict[str, torch.Tensor]:
    return {k: v.float() for k, v in clip(TRANSFORMER, WORDS).state_dict().items()}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights.pt"
    torch.save(vit_state(), path)
    return path


@pytest.mark.parametrize(
    ("model", "tower"),
    [
        (clip(RESNET), ModifiedResNetTower),
        (clip(TRANSFORMER), VisionTransformerTower),
        (custom_text_clip(TRANSFORMER, SIGLIP_TEXT), VisionTransformerTower),
    ],
)
def test_a_model_is_wrapped_by_its_family(model: nn.Module, tower: type):
    pair = wrap(model)
    assert isinstance(pair.image, tower)
    assert pair.source == SOURCE
    assert pair.image.dim == pair.text.dim == 24
    assert pair.image.mean == NORMAL["mean"]
    assert pair.image.std == NORMAL["std"]


def test_wrapping_freezes_the_model():
    model = clip(TRANSFORMER)
    wrap(model)
    assert [name for name, p in model.named_parameters() if p.requires_grad] == ["logit_scale"]


def test_a_timm_tower_is_wrapped_too():
    model = clip(TRANSFORMER)
    model.visual = timm_visual("test_convnext", 160, pool="", proj="linear")
    assert isinstance(wrap(model).image, TimmTower)


def test_options_reach_the_image_tower():
    pair = wrap(
        clip(TRANSFORMER),
        dense_path="tokens",
        channels_last=True,
        autocast_dtype=torch.bfloat16,
    )
    image = pair.image
    assert isinstance(image, VisionTransformerTower)
    assert image.dense_path == "tokens"
    assert image.channels_last
    assert image.autocast_dtype == torch.bfloat16


def test_a_resnet_has_no_choice_of_path():
    with pytest.raises(ValueError, match="`dense_path` must be None for ModifiedResNet"):
        wrap(clip(RESNET), dense_path="value")


def test_an_unknown_image_tower_is_refused():
    model = clip(RESNET)
    model.visual = nn.Linear(2, 2)
    with pytest.raises(ValueError, match="one of open_clip's image towers, got Linear"):
        wrap(model)


def test_random_weights_by_name():
    pair = load_open_clip("small-RN")
    assert pair.source == EncoderSource("open_clip", "small-RN", None)
    assert pair.image(torch.randn(1, 3, 64, 96)).grid == (2, 3)
    assert pair.image.mean == OPENAI_MEAN
    assert not uses_quick_gelu(pair)
    tokens = pair.text.pad(pair.text.tokenize(["a photo of a cat"]))
    assert tokens.tolist() == [open_clip.tokenize("a photo of a cat")[0, :7].tolist()]
    assert pair.text(pair.text.embed_tokens(tokens), tokens).shape == (1, 24)


def test_openais_spelling_of_a_name():
    assert load_open_clip("small/ViT").source.name == "small-ViT"


def test_a_file_of_weights(weights: Path):
    pair = load_open_clip("small-ViT", pretrained=weights)
    again = load_open_clip("small-ViT", pretrained=str(weights))
    expected = wrap(clip(TRANSFORMER, WORDS).float())
    for part in ("image", "text"):
        tower = getattr(pair, part)
        assert fingerprint(tower) == fingerprint(getattr(again, part))
        assert fingerprint(tower) != fingerprint(getattr(expected, part))
    state = torch.load(weights, weights_only=True)
    for name, tensor in pair.image.state_dict().items():  # pyright: ignore[reportAttributeAccessIssue]
        assert torch.equal(tensor, state[name])
    assert pair.source.pretrained == str(weights)
    assert not uses_quick_gelu(pair)


def test_an_archive_of_openai_has_the_quick_gelu(tmp_path: Path):
    state = {k: v.half() for k, v in vit_state().items()}
    pair = load_open_clip(
        "small-ViT", pretrained=save_script({**state, **EXTRAS}, tmp_path / "ViT.pt")
    )
    assert uses_quick_gelu(pair)
    image = pair.image
    assert isinstance(image, VisionTransformerTower)
    for name, tensor in image.state_dict().items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, state[name].float())
    assert pair.image(torch.randn(1, 3, 32, 32)).dense.isfinite().all()


def test_an_openai_resnet_archive(tmp_path: Path):
    model = clip(RESNET, WORDS)
    state = {k: v.half() if v.is_floating_point() else v for k, v in model.state_dict().items()}
    path = save_script({**state, **EXTRAS}, tmp_path / "RN50.pt")
    pair = load_open_clip("small-RN", pretrained=path)
    pixels = torch.randn(1, 3, 64, 64)
    expected = model.float().encode_image(pixels)
    torch.testing.assert_close(pair.image(pixels).pooled, expected, atol=0.05, rtol=0.05)


@pytest.mark.parametrize(
    ("name", "tag", "quick"),
    [
        ("small-ViT", "plain", False),
        ("small-ViT", "fast_gelu", True),
        ("small-ViT", "Fast-GELU", True),
        ("small-ViT-quickgelu", None, True),
    ],
)
def test_the_gelu_goes_by_architecture_and_tag(
    name: str, tag: str | None, quick: bool, weights: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(open_clip, "download_pretrained", lambda *_, **__: str(weights))
    assert uses_quick_gelu(load_open_clip(name, pretrained=tag)) == quick
    assert uses_quick_gelu(load_open_clip(name, pretrained=tag, quick_gelu=not quick)) != quick


def test_a_tag_brings_its_normalisation(weights: Path, monkeypatch: pytest.MonkeyPatch):
    asked = []

    def download(config: dict[str, Any], cache_dir: str | None = None) -> str:
        asked.append((config["mean"], cache_dir))
        return str(weights)

    monkeypatch.setattr(open_clip, "download_pretrained", download)
    pair = load_open_clip("small-ViT", pretrained="plain", cache_dir=Path("cache"))
    assert asked == [(TAG_MEAN, "cache")]
    assert (pair.image.mean, pair.image.std) == (TAG_MEAN, TAG_STD)
    assert pair.source == EncoderSource("open_clip", "small-ViT", "plain")


def test_a_file_takes_the_normalisation_of_the_first_tag_or_the_one_given(weights: Path):
    pair = load_open_clip("small-ViT", pretrained=weights)
    assert (pair.image.mean, pair.image.std) == (TAG_MEAN, TAG_STD)
    half = (0.5, 0.5, 0.5)
    pair = load_open_clip("small-ViT", pretrained=weights, mean=half, std=half)
    assert (pair.image.mean, pair.image.std) == (half, half)


def test_a_siglip_loads_without_its_tokenizer():
    pair = load_open_clip("small-SigLIP", image_size=64)
    assert isinstance(pair.image, TimmTower)
    assert pair.image.image_size == (64, 64)
    assert pair.image.dim == pair.text.dim == 96
    assert not pair.text.causal
    assert pair.text.num_prefix_tokens == 0
    assert pair.image(torch.randn(1, 3, 64, 64)).grid == (4, 4)


def test_the_dtype_of_the_weights():
    pair = load_open_clip("small-ViT", dtype=torch.bfloat16)
    tokens = pair.text.pad(pair.text.tokenize(["a cat"]))
    assert pair.text.embed_tokens(tokens).dtype == torch.bfloat16
    assert pair.image(torch.randn(1, 3, 32, 32)).dense.dtype == torch.float32


def test_an_image_size_that_the_stride_does_not_divide_is_refused():
    with pytest.raises(ValueError, match="divisible by 32"):
        load_open_clip("small-RN", image_size=65)


def test_an_unknown_architecture_is_told_its_neighbours():
    with pytest.raises(ValueError, match="got 'rn-50'; the nearest are RN50"):
        load_open_clip("rn-50")


@pytest.mark.parametrize("name", ["small-roberta", "small-coca"])
def test_text_towers_of_another_kind_are_refused(name: str):
    with pytest.raises(ValueError, match=f"text transformer of CLIP's kind, got '{name}'"):
        load_open_clip(name)


def test_an_unknown_tag_is_told_those_that_exist():
    with pytest.raises(
        ValueError, match=r"tag of small-ViT or a file, got 'openai'; .*plain, fast"
    ):
        load_open_clip("small-ViT", pretrained="openai")
    with pytest.raises(ValueError, match="its tags are none"):
        load_open_clip("small-RN", pretrained="openai")


@pytest.mark.parametrize("path", ["weights/RN50.pt", "RN50.pt", Path("RN50")])
def test_a_missing_file_is_told_from_a_tag(path: str | Path):
    with pytest.raises(FileNotFoundError, match=r"RN50.*does not exist; the tags of small-ViT"):
        load_open_clip("small-ViT", pretrained=path)


def test_a_folder_is_no_file(tmp_path: Path):
    with pytest.raises(ValueError, match="this is a folder, not a file"):
        load_open_clip("small-ViT", pretrained=tmp_path)


def test_a_failed_download_says_what_to_do(monkeypatch: pytest.MonkeyPatch):
    def download(*_: object, **__: object) -> str:
        raise FileNotFoundError("no network")

    monkeypatch.setattr(open_clip, "download_pretrained", download)
    with pytest.raises(ConnectionError, match="small-ViT 'plain' could not be downloaded"):
        load_open_clip("small-ViT", pretrained="plain")


def test_a_file_of_another_architecture_is_refused(weights: Path):
    with pytest.raises(ValueError, match=r"weights of small-RN, got .*weights.pt': \d+ missing"):
        load_open_clip("small-RN", pretrained=weights)


def test_a_truncated_file_is_refused(weights: Path):
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ValueError, match="cut short, damaged"):
        load_open_clip("small-ViT", pretrained=weights)


@pytest.mark.parametrize("name", ["RN50", "RN101", "RN50x4", "ViT-B-16", "ViT-L-14"])
def test_openais_architectures_know_their_quick_gelu_tag(name: str):
    from trmml.encoders.open_clip import _tags

    tag = _tags(name)["openai"]
    assert tag["quick_gelu"]
    assert tuple(tag["mean"]) == OPENAI_MEAN


def beside(folder: Path, **changes: Any) -> None:
    vision = {"layers": 3, "width": 32, "patch_size": 8, "image_size": 64, "act": "new"}
    model = {"embed_dim": 24, "vision_cfg": vision, "text_cfg": {"width": 32, "hf": "x"}}
    images = {"mean": [0.1, 0.2, 0.3], "std": [0.5, 0.5, 1]}
    config = {"model_cfg": {**model, **changes}, "preprocess_cfg": images}
    (folder / "open_clip_config.json").write_text(json.dumps(config))


@pytest.mark.parametrize("quick", [True, False])
def test_the_configuration_beside_the_weights_is_read(weights: Path, quick: bool):
    beside(weights.parent, quick_gelu=quick)
    pair = load_open_clip("small-ViT", pretrained=weights)
    assert uses_quick_gelu(pair) == quick
    assert (pair.image.mean, pair.image.std) == ((0.1, 0.2, 0.3), (0.5, 0.5, 1.0))
    own = load_open_clip("small-ViT", pretrained=weights, quick_gelu=not quick, mean=TAG_MEAN)
    assert uses_quick_gelu(own) != quick
    assert own.image.mean == TAG_MEAN


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        (
            "small-ViT",
            {"vision_cfg": {"width": 64}},
            r"vision_cfg\.width is 64 where small-ViT has 3",
        ),
        ("small-ViT", {"text_cfg": {"layers": 9}}, r"text_cfg\.layers is 9 where small-ViT has 2"),
        ("small-RN", {"vision_cfg": {"layers": [3, 4]}}, r"layers is \[3, 4\] where small-RN has"),
        ("small-ViT-quickgelu", {}, "the configuration beside the file has the exact one"),
        ("small-ViT", {"quick_gelu": "yes"}, "text for 'quick_gelu', which must be true or false"),
        ("small-ViT", {"vision_cfg": 3}, "a whole number for 'vision_cfg', which must be an obj"),
    ],
)
def test_a_configuration_of_another_architecture_is_refused(
    weights: Path, name: str, changes: dict[str, Any], message: str
):
    beside(weights.parent, **changes)
    with pytest.raises(ValueError, match=message):
        load_open_clip(name, pretrained=weights)


@pytest.mark.parametrize("std", [[0, 1, 1], [0.5, 0.5], "x", [0.5, 0.5, 2], [0.5, True, 0.5]])
def test_statistics_that_are_none_are_refused(weights: Path, std: object):
    config = {"model_cfg": {}, "preprocess_cfg": {"std": std}}
    (weights.parent / "open_clip_config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"'preprocess_cfg\.std'"):
        load_open_clip("small-ViT", pretrained=weights)


def test_a_file_that_leaves_the_gelu_open_is_warned_of(
    weights: Path, caplog: pytest.LogCaptureFixture
):
    load_open_clip("small-ViT", pretrained=weights, quick_gelu=False)
    load_open_clip("small-ViT-quickgelu", pretrained=weights)
    load_open_clip("small-ViT")
    assert not caplog.records
    load_open_clip("small-ViT", pretrained=weights)
    assert "weights.pt does not say which GELU" in caplog.text


def test_weights_that_are_not_finite_are_refused(tmp_path: Path):
    state = vit_state()
    state["visual.proj"][0, 0] = torch.nan
    torch.save(state, tmp_path / "weights.pt")
    with pytest.raises(ValueError, match=r"must hold finite weights, got 1 .* 'visual\.proj'"):
        load_open_clip("small-ViT", pretrained=tmp_path / "weights.pt")
