"""Whose score predicts: the region's, the query's, or both."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from trmml import TRMML
from trmml.encoders import load_tiny, normalize_pixels
from trmml.models import ABLATIONS, TRMMLConfig
from trmml.sharing.program import export_program

IMAGES = torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def model_of(**settings: str) -> TRMML:
    config = TRMMLConfig.from_dict(settings)
    generator = torch.Generator().manual_seed(1)
    model = TRMML(load_tiny(), ["tree", "boat"], config=config, image_size=64, generator=generator)
    features, _ = model.image_encoder.encode_dense(IMAGES)
    model.calibrate(features)
    return model


@pytest.fixture(scope="module")
def branches() -> dict[str, torch.Tensor]:
    with torch.no_grad():
        output = model_of().train()(IMAGES)
    return {
        "region": output.logits,
        "query": output.query_logits,
        "both": (output.logits + output.query_logits) / 2,
    }


@pytest.mark.parametrize("branch", ["region", "query", "both"])
def test_eval_mode_predicts_by_the_branch_and_training_is_the_same(
    branch: str, branches: dict[str, torch.Tensor]
):
    model = model_of(prediction_branch=branch)
    with torch.no_grad():
        taught, told = model.train()(IMAGES), model.eval()(IMAGES)
    torch.testing.assert_close(taught.logits, branches["region"])
    torch.testing.assert_close(taught.query_logits, branches["query"])
    torch.testing.assert_close(told.logits, branches[branch])
    assert told.query_logits is None
    torch.testing.assert_close(model.predict(IMAGES), branches[branch].sigmoid())


def test_the_three_differ(branches: dict[str, torch.Tensor]):
    assert (branches["region"] - branches["query"]).abs().max() > 1e-3


def test_some_classes_are_scored_as_among_all(branches: dict[str, torch.Tensor]):
    model = model_of(prediction_branch="both").eval()
    with torch.no_grad():
        found = model(IMAGES, classes=torch.tensor([1])).logits
    torch.testing.assert_close(found, branches["both"][:, 1:])


def test_it_is_saved_and_exported(tmp_path: Path, branches: dict[str, torch.Tensor]):
    model = model_of(prediction_branch="both").eval()
    model.save_pretrained(tmp_path)
    again = TRMML.from_pretrained(tmp_path)
    assert again.config.prediction_branch == "both"
    expected = model.predict(IMAGES)
    torch.testing.assert_close(again.predict(IMAGES), expected)
    assert (expected - branches["region"].sigmoid()).abs().max() > 1e-4
    pixels = torch.randint(256, (1, 3, 64, 64), dtype=torch.uint8)
    program = export_program(model).module()
    normal = normalize_pixels(pixels, model.image_encoder)
    torch.testing.assert_close(program(pixels)[0], model.predict(normal), atol=1e-5, rtol=1e-4)


def test_without_regions_there_is_one_score():
    model = TRMML(load_tiny(), ["tree"], config=ABLATIONS["baseline"], image_size=64).eval()
    other = TRMML(
        load_tiny(),
        ["tree"],
        config=replace(ABLATIONS["baseline"], prediction_branch="both"),
        image_size=64,
    ).eval()
    other.load_state_dict(model.state_dict())
    assert other.predict(IMAGES).equal(model.predict(IMAGES))
