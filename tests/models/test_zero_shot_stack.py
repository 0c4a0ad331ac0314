"""A model with a stack predicts by it everywhere, and learns and is explained without it."""

import pytest
import torch

from tests.prediction.photographs import NAMES, small_model
from trmml import TRMML
from trmml.completion import Stacking
from trmml.encoders import load_tiny
from trmml.models import TRMMLConfig, ZeroShotStack, zero_shot_scores
from trmml.prediction import open_model
from trmml.sharing import DeployableModel

CLASSES = len(NAMES)


def stacked_model(**config: object) -> TRMML:
    model = small_model(config=TRMMLConfig.from_dict(config))
    stack = ZeroShotStack.of_towers(model.encoders.text, model.class_names)
    weights = torch.tensor([[0.5], [30.0]]).expand(2, CLASSES) * torch.arange(1, CLASSES + 1)
    stack.take(Stacking(weights, torch.linspace(-9, -4, CLASSES)))
    model.stack = stack
    return model.eval()


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def test_the_prediction_is_the_sum_that_the_equation_says(images: torch.Tensor) -> None:
    model = stacked_model()
    stack = model.stack
    assert stack is not None
    features = model.image_encoder(images)
    dense, grid = model.image_encoder.encode_dense(images)
    own = model.match(dense, grid).logits
    shown = zero_shot_scores(features, stack.texts, dense=True)
    found = model(images).logits
    for b in range(4):
        for c in range(CLASSES):
            a1, a2, d = stack.weights[0, c], stack.weights[1, c], stack.bias[c]
            assert found[b, c] == pytest.approx(float(a1 * own[b, c] + a2 * shown[b, c] + d), 1e-4)
    torch.testing.assert_close(model.predict(images), found.sigmoid())
    torch.testing.assert_close(
        model.prediction(dense, grid, classes=torch.tensor([2, 0])).logits, found[:, [2, 0]]
    )


@torch.no_grad()
def test_a_fresh_stack_passes_the_score_through(images: torch.Tensor) -> None:
    model = small_model().eval()
    before = model(images).logits
    model.stack = ZeroShotStack.of_towers(model.encoders.text, model.class_names)
    torch.testing.assert_close(model(images).logits, before)


@torch.no_grad()
def test_evidence_for_labels_is_of_the_score_whatever_is_stacked_on_it(
    images: torch.Tensor,
) -> None:
    model = stacked_model(completion="calibrated")
    with_stack = model.evidence(model(images))
    model.stack = None
    torch.testing.assert_close(model.evidence(model(images)), with_stack)


@torch.no_grad()
def test_a_stack_is_saved_with_its_model_and_can_be_left_away(images, tmp_path) -> None:
    model = stacked_model()
    model.save_pretrained(tmp_path / "model")
    again = open_model(tmp_path / "model")
    assert torch.equal(again(images).logits, model(images).logits)
    by_score = open_model(tmp_path / "model", prediction="score")
    assert by_score.stack is None
    model.stack = None
    torch.testing.assert_close(by_score(images).logits, model(images).logits)
    model.save_pretrained(tmp_path / "plain")
    with pytest.raises(ValueError, match="the model has no stack to predict by; fit one"):
        open_model(tmp_path / "plain", prediction="stack")


def test_a_lie_about_a_stack_is_found(tmp_path) -> None:
    model = stacked_model()
    assert model.stack is not None
    model.stack.bias = model.stack.bias[:-1]
    model.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"stack\.bias"):
        TRMML.from_pretrained(tmp_path, encoders=load_tiny())


def test_a_stack_that_is_not_finite_is_refused(tmp_path) -> None:
    model = stacked_model()
    assert model.stack is not None
    model.stack.bias[0] = float("nan")
    model.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="finite"):
        TRMML.from_pretrained(tmp_path, encoders=load_tiny())


@torch.no_grad()
def test_what_is_exported_predicts_by_the_stack() -> None:
    model = stacked_model()
    deployable = DeployableModel(model)
    pixels = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    from trmml.encoders import normalize_pixels

    expected = model.predict(normalize_pixels(pixels, model.image_encoder))
    torch.testing.assert_close(deployable(pixels)[0], expected, atol=1e-5, rtol=1e-4)
