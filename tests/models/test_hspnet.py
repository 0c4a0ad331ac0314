from pathlib import Path
from typing import Any

import pytest
import torch
from jaxtyping import TypeCheckError
from torch import Tensor, nn

from tests._references import hierarchical_prompts as reference
from tests._references.dual_prompts import prompt_feature
from tests._references.matching import cosine
from tests.random_clip import DIM, random_clip, random_pair, tokenizer, wrap
from tests.training.squares_run import squares_config
from trmml.data import COCO_NAMES
from trmml.models import zero_shot_text_features
from trmml.models.hspnet import HSPNet, HSPNetConfig
from trmml.training import RunConfig, load_run_config, run_training

NAMES = ["tree", ["boat", "ship"], "car", "bush"]
UNDER = {"plant": ["tree", "bush"], "vehicle": ["boat", "car"]}
GRID = (2, 3)


def model_of(**settings: object) -> HSPNet:
    config = HSPNetConfig.from_dict({"super_classes": UNDER, **settings})
    generator = torch.Generator().manual_seed(0)
    return HSPNet(random_pair(), NAMES, config=config, generator=generator)


def features(seed: int = 1) -> Tensor:
    return torch.randn(3, 6, DIM, generator=torch.Generator().manual_seed(seed))


def unit(texts: list[Tensor]) -> Tensor:
    mean = torch.stack([text / text.norm() for text in texts]).mean(dim=0)
    return mean / mean.norm()


@torch.no_grad()
def test_the_score_is_that_of_the_equation() -> None:
    clip, length = random_clip(), 2
    generator = torch.Generator().manual_seed(0)
    config = HSPNetConfig(super_classes=UNDER, context_length=length, neighbours=0.8, blend=0.7)
    model = HSPNet(wrap(clip), NAMES, config=config, generator=generator)
    # So that what is added at the end is no small part of it.
    model.prompts.meta_net[2].bias.normal_(generator=generator)

    def layers(part: nn.Module) -> list[Any]:
        return [value.tolist() for value in part.parameters()]

    first, first_bias, second, second_bias = layers(model.prompts.meta_net)
    meta_net, weights = [(first, first_bias), (second, second_bias)], layers(model.prompts.mixing)
    text = wrap(clip).text
    h = zero_shot_text_features(text, [*UNDER]).tolist()
    h = reference.mixed(h, reference.text_graph(h, 0.8), weights, 0.7)
    g = []
    for names in NAMES:
        synonyms = [names] if isinstance(names, str) else names
        s = next(s for s, below in enumerate(UNDER.values()) if synonyms[0] in below)
        w = torch.tensor(reference.context(h[s], meta_net, length))
        g.append(unit([prompt_feature(clip, tokenizer(), w, name) for name in synonyms]).tolist())
    named = zero_shot_text_features(text, NAMES).tolist()
    texts = reference.mixed(g, reference.text_graph(named, 0.8), weights, 0.7)

    found = model.eval().match(features(), GRID).logits
    for image, f in enumerate(features().tolist()):
        mean = [sum(column) / 6 for column in zip(*f, strict=True)]
        for c in range(4):
            expected = cosine(mean, texts[c]) / 0.1
            assert found[image, c].item() == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_classes_under_one_super_class_share_a_context() -> None:
    contexts = model_of().prompts.contexts()
    assert torch.equal(contexts[0], contexts[3])
    assert torch.equal(contexts[1], contexts[2])
    assert not torch.equal(contexts[0], contexts[1])


def test_super_classes_are_frozen_and_everything_else_learns() -> None:
    model = model_of().train()
    model.match(features(), GRID).logits.sum().backward()
    assert all(value.grad is not None and value.grad.any() for value in model.parameters())
    assert not model.prompts.super_texts.requires_grad


def test_gradients_are_those_of_the_score() -> None:
    model = model_of().train().double()
    blend = model.prompts.blend

    def score(value: Tensor, images: Tensor) -> Tensor:
        replaced = {"prompts.blend": value}
        call = torch.func.functional_call(model, replaced, (images,), {"grid": GRID})
        return call.logits

    model.forward = model.match  # pyright: ignore - what is differentiated, from features on
    inputs = (blend.detach().clone().requires_grad_(), features().double().requires_grad_())
    torch.autograd.gradcheck(score, inputs)


def test_the_order_of_super_classes_makes_no_difference() -> None:
    turned = {group: UNDER[group] for group in reversed(UNDER)}
    expected = model_of().match(features(), GRID).logits
    found = model_of(super_classes=turned).match(features(), GRID).logits
    torch.testing.assert_close(found, expected)


def test_a_class_without_a_super_class_stands_for_itself() -> None:
    alone = {"tree": ["tree"], "boat": ["boat"], "car": ["car"], "bush": ["bush"]}
    expected = model_of(super_classes=alone).match(features(), GRID).logits
    assert torch.equal(model_of(super_classes={}).match(features(), GRID).logits, expected)
    assert torch.equal(model_of(super_classes=None).match(features(), GRID).logits, expected)


def test_the_super_classes_of_coco_are_known() -> None:
    found = HSPNetConfig().super_class_of(COCO_NAMES)
    assert (found["zebra"], found["person"]) == ("animal", "person")
    assert [*found] != COCO_NAMES  # in the order of super-classes
    HSPNetConfig().check_classes(COCO_NAMES)


def test_one_class_is_enough() -> None:
    model = HSPNet(random_pair(), ["tree"], config=HSPNetConfig())
    assert model.match(features(), GRID).logits.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_features_in_half_precision_score_nearly_alike(dtype: torch.dtype) -> None:
    model = model_of().eval()
    half = model.match(features().to(dtype), GRID).logits
    torch.testing.assert_close(half, model.match(features(), GRID).logits, rtol=0.02, atol=0.05)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"super_classes": {"a": ["car"], "b": ["car"]}}, "'car' is under 'a' and 'b'"),
        ({"super_classes": {"a": ["car", "car"]}}, "'car' is under 'a' twice"),
        ({"neighbours": 1.5}, r"`neighbours` must be in \[0, 1\], got 1.5"),
        ({"blend": -0.1}, r"`blend` must be in \[0, 1\], got -0.1"),
        ({"context_length": 0}, "`context_length` must be at least 1, got 0"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HSPNetConfig.from_dict(wrong)


@pytest.mark.parametrize("wrong", [["car"], {"a": "car"}, {"a": [1]}])
def test_what_is_no_list_of_names_is_refused(wrong: object) -> None:
    # By the value, or already by the annotation where these are checked.
    with pytest.raises((ValueError, TypeCheckError), match="super_classes"):
        HSPNetConfig.from_dict({"super_classes": wrong})


def test_a_class_that_there_is_not_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"`super_classes` must be one of .* 'car', .*'cra'; did"):
        model_of(super_classes={"vehicle": ["cra"]})


def run_of(root: Path, *overrides: str) -> RunConfig:
    base = squares_config(root)
    model = load_run_config("tiny", ["model.method=hspnet", *overrides]).model
    return squares_config(root, model=model, recipe=base.recipe)


def test_a_run_is_refused_before_anything_is_loaded_where_a_class_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trmml.training.config.encoder_config.load_encoders", None)
    with pytest.raises(ValueError, match=r"^`model.super_classes` must put every class under a su"):
        run_training(run_of(tmp_path), tmp_path / "run")
    override = "model.super_classes={warm: [red], cold: [blue]}"
    with pytest.raises(ValueError, match="there is none for 'green'; give them in a configuration"):
        run_training(run_of(tmp_path, override), tmp_path / "run")
    assert not (tmp_path / "run").exists()
