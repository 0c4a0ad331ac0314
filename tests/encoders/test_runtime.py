"""ONNX Runtime computes what torch computes, where it is asked to."""

import copy
import re
import sys
from collections.abc import Callable

import pytest
import torch

from tests.encoders.test_compute_dtype import OwnTower
from tests.sharing.exportable import learned_projection, resnet, transformer
from trmml.encoders import computed_in, load_tiny, run_by, runtime
from trmml.encoders.image_tower import towers_in
from trmml.extras import install_line
from trmml.models import TRMML
from trmml.sharing import DeployableModel

Build = Callable[[], TRMML]


def by_onnx(build: Build) -> TRMML:
    """Build a model that ONNX Runtime computes the tower of."""
    model = build()
    said = run_by(model.image_encoder, "onnx", image_size=model.image_size)
    assert said == "float32, by ONNX Runtime"
    return model


@pytest.fixture(scope="module")
def running() -> TRMML:
    return by_onnx(resnet)


@pytest.mark.parametrize("build", [None, transformer, learned_projection])
def test_features_are_those_of_torch_for_any_number_of_images(
    build: Build | None, running: TRMML
) -> None:
    model = running if build is None else by_onnx(build)
    encoder, side = copy.deepcopy(model.image_encoder), model.image_size
    images = torch.randn(5, 3, side, side)
    found, grid = encoder.encode_dense(images)
    for number in (0, 1):
        assert encoder.encode_dense(images[:number])[1] == grid
        torch.testing.assert_close(encoder.encode_dense(images[:number])[0], found[:number])
    assert run_by(encoder, "eager", image_size=side) == "float32, as asked for"
    expected, expected_grid = encoder.encode_dense(images)
    assert grid == expected_grid
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert not torch.equal(found, expected)  # torch did not do it


def test_a_whole_model_predicts_and_shows_the_same(running: TRMML):
    expected = copy.deepcopy(running)
    run_by(expected.image_encoder, "eager", image_size=running.image_size)
    assert all(tower.graph is not None for tower in towers_in(running.image_encoder))
    images = torch.randn(3, 3, running.image_size, running.image_size)
    torch.testing.assert_close(running.predict(images), expected.predict(images), rtol=0, atol=1e-5)
    torch.testing.assert_close(
        running.region_maps(running(images)),
        expected.region_maps(expected(images)),
        rtol=0,
        atol=1e-4,
    )


def test_other_sizes_and_the_pooled_feature_are_left_to_torch(running: TRMML):
    encoder, side = running.image_encoder, running.image_size
    in_torch = copy.deepcopy(encoder)
    run_by(in_torch, "eager", image_size=side)
    other = torch.randn(2, 3, 2 * side, side)
    assert torch.equal(encoder.encode_dense(other)[0], in_torch.encode_dense(other)[0])
    images = torch.randn(2, 3, side, side)
    assert torch.equal(encoder(images).pooled, in_torch(images).pooled)
    assert encoder.encode_dense(images.half())[0].dtype == torch.half


def test_an_export_of_it_is_written_from_torch(running: TRMML):
    deployable = DeployableModel(running)
    assert all(tower.graph is None for tower in towers_in(deployable.image_encoder))
    assert all(tower.graph is not None for tower in towers_in(running.image_encoder))


def test_what_onnx_runtime_cannot_do_is_refused(monkeypatch: pytest.MonkeyPatch):
    encoder = load_tiny().image
    with pytest.raises(ValueError, match="`dtype` must be 'float32' or 'auto' with the runtime"):
        run_by(encoder, "onnx", dtype="bfloat16", image_size=64)
    with pytest.raises(ValueError, match="`runtime` must be 'eager' for a tower of one's own"):
        run_by(OwnTower(), "onnx", image_size=64)
    with pytest.raises(ValueError, match="`runtime` must be 'eager' on meta, got 'onnx'"):
        run_by(load_tiny().image.to("meta"), "onnx", image_size=64)  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(ValueError, match="divisible by"):
        run_by(encoder, "onnx", image_size=65)
    monkeypatch.setattr(runtime, "MOST_OFF", 1e-12)
    with pytest.raises(ValueError, match=r"features are off by \d.*; a newer onnxscript may"):
        run_by(encoder, "onnx", image_size=64)
    monkeypatch.setattr(runtime, "size_beyond_onnx", lambda _: "3.1 GiB")
    with pytest.raises(ValueError, match=r"of 2 GiB and more, got 'onnx' for 3\.1 GiB"):
        run_by(encoder, "onnx", image_size=64)
    assert computed_in(encoder) == "float32"
    assert all(tower.graph is None for tower in towers_in(encoder))


@pytest.mark.parametrize("name", ["onnx", "onnxscript", "onnxruntime"])
def test_a_missing_library_is_named_with_its_extra(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        ModuleNotFoundError, match=re.escape(f"needs {name}; {install_line('export')}")
    ):
        run_by(load_tiny().image, "onnx", image_size=64)
