import json
import logging
import os
import re
import subprocess
import sys
from copy import deepcopy
from functools import partial
from hashlib import file_digest
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest
import torch
from onnxruntime import InferenceSession
from onnxruntime.capi.onnxruntime_pybind11_state import InvalidArgument
from PIL import Image
from torch import Tensor, nn
from torch.export import ExportedProgram
from torch.nn.functional import interpolate

from tests.models.fixed_features import batch
from tests.prediction.photographs import own_model
from tests.sharing.exportable import (
    NAMES,
    expected,
    learned_projection,
    noise,
    resnet,
    softmax_regions,
    transformer,
    without_regions,
)
from tests.test_imports import without
from trmml.encoders import load_tiny, normalize_pixels
from trmml.extras import install_line
from trmml.models import TRMML
from trmml.sharing import (
    DeployableModel,
    export_onnx,
    export_program,
    export_pt2,
    largest_difference,
    onnx_file,
    program,
    run_exported,
)

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "predict_without_trmml.py"
PHOTOS = ROOT.parent / "shared" / "data" / "coco256"
assert_close = partial(torch.testing.assert_close, rtol=0.0, atol=1e-5)

EVERY_KIND = [resnet, transformer, without_regions, softmax_regions, learned_projection]


class Exported(NamedTuple):
    model: TRMML
    path: Path
    program: ExportedProgram


@pytest.fixture(scope="module", params=[resnet, transformer], ids=lambda build: build.__name__)
def exported(request, tmp_path_factory) -> Exported:
    """Export a model of each kind once, as ONNX, and keep the program on its way there."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = request.param()
    model.decision_thresholds = [0.25, 0.5, 0.75]
    path = tmp_path_factory.mktemp(request.param.__name__) / "model.onnx"
    programs = []

    def export_and_keep(model: TRMML, *, regions: bool) -> ExportedProgram:
        programs.append(export_program(model, regions=regions))
        return programs[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(onnx_file, "export_program", export_and_keep)
        export_onnx(model, path)
    return Exported(model, path, programs[0])


def check(model: TRMML, outputs: list[Tensor], pixels: Tensor) -> None:
    probabilities, heatmap = expected(model, pixels)
    assert_close(outputs[0], probabilities)
    full = interpolate(outputs[1], size=heatmap.shape[-2:], mode="bilinear", align_corners=False)
    assert_close(full, heatmap)


def check_program(model: TRMML, program: ExportedProgram) -> None:
    run = program.module()
    for size in (1, 2, 5):
        pixels = noise(size, model.image_size)
        check(model, list(run(pixels)), pixels)
    unread = [node for node in program.graph.nodes if node.op == "placeholder" and not node.users]
    assert unread == []
    assert not any("text" in name or "token_embedding" in name for name in program.state_dict)


def test_the_operators_are_those_asked_for_or_nothing_is_written(tmp_path):
    model, path = without_regions(), tmp_path / "model.onnx"
    newest = onnx.defs.onnx_opset_version()
    export_onnx(model, path, opset=21)
    assert [one.version for one in onnx.load(path).opset_import if not one.domain] == [21]
    path.unlink()
    for opset in (-1, 17, newest + 1, 999):
        with pytest.raises(
            ValueError, match=f"`opset` must be from 18 to {newest}, .* got {opset}"
        ):
            export_onnx(model, path, opset=opset)
    convert = torch.onnx.export  # which keeps to its own version, and says so in the log

    def keep_to_18(*graph: Any, **options: Any) -> object:  # noqa: ANN401
        return convert(*graph, **{**options, "opset_version": 18})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.onnx, "export", keep_to_18)
        with pytest.raises(ValueError, match="got 21; the exporter comes no further than 18"):
            export_onnx(model, path, opset=21)
    assert not path.exists()


@pytest.mark.parametrize("build", EVERY_KIND, ids=lambda build: build.__name__)
def test_what_is_deployed_gives_the_model_s_numbers(build):
    model = build()
    pixels = noise(3, model.image_size)
    assert model.predict(normalize_pixels(pixels, model.image_encoder)).std() > 0.1
    check(model, list(DeployableModel(model)(pixels)), pixels)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_onnx_runtime_gives_the_model_s_numbers(exported, size):
    pixels = noise(size, exported.model.image_size)
    check(exported.model, run_exported(exported.path, pixels), pixels)


def test_the_program_gives_the_model_s_numbers_and_holds_nothing_else(exported):
    check_program(exported.model, exported.program)


@pytest.mark.parametrize("build", [without_regions, learned_projection], ids=lambda b: b.__name__)
def test_other_programs_do_too(build):
    model = build()
    check_program(model, export_program(model))


def test_closed_regions_are_among_what_is_compared():
    model = resnet()  # ONNX Runtime's own Sigmoid would lose these
    assert 0 < expected(model, noise(3, model.image_size))[1].max() < 1e-6


def test_the_checker_passes_and_the_graph_takes_any_batch_of_8_bit_pixels(exported):
    model, path, _ = exported
    onnx.checker.check_model(str(path), full_check=True)
    session = InferenceSession(path, providers=["CPUExecutionProvider"])
    (pixels,), outputs = session.get_inputs(), session.get_outputs()
    assert (pixels.name, pixels.type) == ("pixels", "tensor(uint8)")
    assert pixels.shape[1:] == [3, model.image_size, model.image_size]
    assert isinstance(pixels.shape[0], str)
    assert [output.name for output in outputs] == ["probabilities", "regions"]
    assert [output.shape[0] for output in outputs] == [pixels.shape[0]] * 2
    with pytest.raises(InvalidArgument, match="Unexpected input data type"):
        session.run(None, {"pixels": np.zeros((1, 3, 96, 96), np.float32)})


def test_what_a_reader_needs_is_in_the_file_and_beside_it(exported):
    model, path, _ = exported
    session = InferenceSession(path, providers=["CPUExecutionProvider"])
    inside = json.loads(session.get_modelmeta().custom_metadata_map["trmml"])
    assert inside["class_names"] == ["tree", "boat", "sun"]
    assert inside["decision_thresholds"] == [0.25, 0.5, 0.75]
    assert inside["image_size"] == model.image_size
    assert inside["normalization"]["mean"] == list(model.image_encoder.mean)
    assert inside["normalization"]["std"] == list(model.image_encoder.std)
    assert inside["input"]["shape"] == ["batch", 3, model.image_size, model.image_size]
    beside = json.loads(path.with_name("model.onnx.json").read_text(encoding="utf-8"))
    with path.open("rb") as file:
        assert beside.pop("sha256") == file_digest(file, "sha256").hexdigest()
    assert beside == inside
    assert {file.name for file in path.parent.iterdir()} == {"model.onnx", "model.onnx.json"}


def test_the_difference_is_small_and_a_wrong_file_has_a_large_one(exported):
    model, path, _ = exported
    assert largest_difference(model, path) < 1e-5
    other = deepcopy(model)
    with torch.no_grad():
        other.log_temperature.add_(0.5)
    assert largest_difference(other, path) > 1e-3


def test_a_pt2_file_gives_the_same_and_says_the_same(exported, tmp_path, monkeypatch):
    model, path, made = exported
    monkeypatch.setattr(program, "export_program", lambda *_, **__: made)
    export_pt2(model, tmp_path / "model.pt2")
    extra = {"trmml": ""}
    loaded = torch.export.load(tmp_path / "model.pt2", extra_files=extra)
    pixels = noise(3, model.image_size)
    check(model, list(loaded.module()(pixels)), pixels)
    about = json.loads(extra["trmml"])
    beside = json.loads((tmp_path / "model.pt2.json").read_text(encoding="utf-8"))
    assert beside.pop("sha256")
    onnx_says = json.loads(path.with_name("model.onnx.json").read_text(encoding="utf-8"))
    assert about == beside == {k: v for k, v in onnx_says.items() if k != "sha256"}
    assert largest_difference(model, tmp_path / "model.pt2") < 1e-5


def test_region_maps_can_be_left_out(tmp_path):
    model = resnet()
    found = DeployableModel(model, regions=False)(noise(2, 96))
    assert [part.shape for part in found] == [(2, 3)]


def test_a_model_without_regions_gives_its_probabilities_alone(tmp_path):
    model = own_model()
    export_pt2(model, tmp_path / "own.pt2")
    (probabilities,) = run_exported(tmp_path / "own.pt2", pixels := noise(3, model.image_size))
    assert_close(probabilities, model.predict(normalize_pixels(pixels, model.image_encoder)))
    about = json.loads((tmp_path / "own.pt2.json").read_text(encoding="utf-8"))
    assert about["outputs"] == ["probabilities"]
    for export in (DeployableModel, export_program):
        with pytest.raises(ValueError, match="`regions` must be False for a LinearHead"):
            export(model, regions=True)


def test_the_model_is_left_as_it_was():
    model = resnet().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    image_encoder = model.image_encoder
    assert isinstance(image_encoder, nn.Module)
    tower = {name: value.clone() for name, value in image_encoder.state_dict().items()}
    trainable = [parameter.requires_grad for parameter in model.parameters()]
    DeployableModel(model)
    assert model.training
    assert [parameter.requires_grad for parameter in model.parameters()] == trainable
    for kept, now in ((before, model.state_dict()), (tower, image_encoder.state_dict())):
        assert kept.keys() == now.keys()
        for name, value in kept.items():
            torch.testing.assert_close(now[name], value, rtol=0, atol=0, equal_nan=True)
    f, y = batch(4)
    losses = model.loss(model.match(f.float(), (2, 3)), y)
    losses.total.backward()


def test_a_text_tower_that_a_method_holds_is_left_as_it_was():
    pair = load_tiny()
    model, text = own_model(pair=pair), pair.text
    model.hold("text_encoder", text)
    model.bfloat16()
    copied = DeployableModel(model).matcher
    assert isinstance(text, nn.Module)
    assert {weight.dtype for weight in text.parameters()} == {torch.bfloat16}
    assert {weight.dtype for weight in copied.text_encoder.parameters()} == {torch.float32}


def test_half_precision_is_exported_as_float32():
    model = TRMML(load_tiny(autocast_dtype=torch.bfloat16), NAMES, image_size=64).eval()
    pixels = noise(2, 64)
    deployable = DeployableModel(model)
    assert {weight.dtype for weight in deployable.parameters()} == {torch.float32}
    whole = TRMML(load_tiny(), NAMES, image_size=64).eval()
    whole.load_state_dict(model.state_dict())
    check(whole, list(deployable(pixels)), pixels)
    half = DeployableModel(model.bfloat16())
    assert {weight.dtype for weight in half.parameters()} == {torch.float32}
    torch.testing.assert_close(half(pixels)[0], deployable(pixels)[0], rtol=0, atol=0.05)


def test_a_tower_that_is_no_module_is_refused():
    model = resnet()
    object.__setattr__(model, "image_encoder", lambda images: images)
    with pytest.raises(ValueError, match=r"must have an image tower that is an `nn\.Module`, got"):
        export_program(model)


def test_more_weights_than_one_onnx_file_holds_are_refused(tmp_path, monkeypatch):
    heavy = SimpleNamespace(state_dict={"weight": torch.empty(2**31, 2, device="meta")})
    monkeypatch.setattr(onnx_file, "export_program", lambda *_, **__: heavy)
    with pytest.raises(ValueError, match=r"less than 2 GiB .* got 16.0 GiB .* use `export_pt2`"):
        export_onnx(without_regions(), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_a_failed_export_leaves_the_old_file_alone(tmp_path, monkeypatch):
    for name in ("model.pt2", "model.pt2.json"):
        (tmp_path / name).write_text("old")

    def fail(_program: object, file, **_: object) -> None:
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(program, "export_program", lambda *_, **__: None)
    monkeypatch.setattr(torch.export, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        export_pt2(without_regions(), tmp_path / "model.pt2")
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {
        "model.pt2": "old",
        "model.pt2.json": "old",
    }


@pytest.mark.parametrize("name", ["onnx", "onnxscript"])
def test_a_missing_library_is_named_with_its_extra(tmp_path, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        ModuleNotFoundError, match=re.escape(f"needs {name}; " + install_line("export"))
    ):
        export_onnx(without_regions(), tmp_path / "model.onnx")


def test_the_exporter_s_log_is_as_loud_as_before(exported):
    assert exported
    assert logging.getLogger("onnxscript").level == logging.NOTSET


def picture(folder: Path) -> Path:
    """Return a real photograph where there is one, else noise of a photograph's shape."""
    real = sorted(PHOTOS.rglob("*.jpg"))
    if real:
        return real[0]
    made = np.random.default_rng(0).integers(0, 256, (120, 200, 3), dtype=np.uint8)
    Image.fromarray(made).save(folder / "photo.jpg")
    return folder / "photo.jpg"


def test_the_example_predicts_the_same_without_trmml_and_torch(exported, tmp_path):
    model, path, _ = exported
    photo = picture(tmp_path)
    code = f"""
        import runpy
        sys.argv = ["x", {str(path)!r}, {str(photo)!r}]
        runpy.run_path({str(EXAMPLE)!r}, run_name="__main__")
    """
    result = subprocess.run(
        [sys.executable, "-c", without(("trmml", "torch", "torchvision"), code)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    probabilities = model.predict(model.preprocess(photo))[0].tolist()
    named = zip(probabilities, ["tree", "boat", "sun"], [0.25, 0.5, 0.75], strict=True)
    tags = {name: p for p, name, threshold in named if p >= threshold}
    printed = result.stdout.strip().removeprefix(f"{photo}: ")
    found = dict(tag.rsplit(" ", 1) for tag in printed.split(", ")) if tags else {}
    assert {name: float(p) for name, p in found.items()} == pytest.approx(tags, abs=1e-4)
    if not tags:
        assert printed == "nothing"
