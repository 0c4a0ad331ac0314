# ruff: noqa: ANN401 - open_clip and timm ship no stubs
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from tests.encoders.small_models import RESNET, TRANSFORMER, clip, custom_text_clip
from trmml.encoders.checkpoint import fill_open_clip, read_checkpoint

STATE = {"a.weight": torch.randn(4, 3), "a.bias": torch.randn(4)}
EXTRAS = {
    "input_resolution": torch.tensor(224),
    "context_length": torch.tensor(77),
    "vocab_size": torch.tensor(49408),
}


def save_torch(content: object, path: Path) -> Path:
    torch.save(content, path)
    return path


def save_script(state: dict[str, Tensor], path: Path) -> Path:
    """Write a TorchScript archive, the form of OpenAI's files, with these names in its state."""

    class Part(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x

    root = Part()
    for name, tensor in state.items():
        *parents, leaf = name.split(".")
        part: Any = root
        for parent in parents:
            if not hasattr(part, parent):
                part.add_module(parent, Part())
            part = getattr(part, parent)
        part.register_buffer(leaf, tensor)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated
        torch.jit.script(root).save(str(path))
    return path


FORMATS: dict[str, Callable[[Path], Path]] = {
    "state dict": lambda folder: save_torch(STATE, folder / "weights.pt"),
    "safetensors": lambda folder: (
        save_file(STATE, folder / "weights.safetensors") or folder / "weights.safetensors"
    ),
    "training checkpoint": lambda folder: save_torch(
        {"epoch": 3, "state_dict": {f"module.{k}": v for k, v in STATE.items()}},
        folder / "epoch_3.pt",
    ),
    "TorchScript": lambda folder: save_script({**STATE, **EXTRAS}, folder / "RN50.pt"),
    "OpenAI's state dict": lambda folder: save_torch({**STATE, **EXTRAS}, folder / "RN50.pth"),
    "old torch": lambda folder: (
        torch.save(STATE, folder / "old.pt", _use_new_zipfile_serialization=False)
        or folder / "old.pt"
    ),
}


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_gives_the_tensors(kind: str, tmp_path: Path):
    state, from_openai = read_checkpoint(FORMATS[kind](tmp_path))
    assert state.keys() == STATE.keys()
    for name, tensor in STATE.items():
        assert torch.equal(state[name], tensor)
    assert from_openai == (kind in ("TorchScript", "OpenAI's state dict"))


def test_a_path_may_be_a_string(tmp_path: Path):
    assert read_checkpoint(str(FORMATS["state dict"](tmp_path))).state.keys() == STATE.keys()


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"nowhere.pt', which does not exist"):
        read_checkpoint(tmp_path / "nowhere.pt")


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_file_is_refused(kind: str, share: float, tmp_path: Path):
    path = FORMATS[kind](tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=r"whole file of tensors, got .* cut short, damaged"):
        read_checkpoint(path)


def test_a_file_of_something_else_is_refused(tmp_path: Path):
    path = tmp_path / "weights.pt"
    path.write_text("<html>404: not found</html>")
    with pytest.raises(ValueError, match="cut short, damaged"):
        read_checkpoint(path)


def test_objects_are_not_unpickled(tmp_path: Path):
    path = save_torch({"a": nn.Linear(2, 2)}, tmp_path / "model.pt")
    with pytest.raises(ValueError, match="holds other objects"):
        read_checkpoint(path)


@pytest.mark.parametrize("content", [torch.zeros(3), [torch.zeros(3)], {}])
def test_tensors_without_names_are_refused(content: object, tmp_path: Path):
    path = save_torch(content, tmp_path / "weights.pt")
    with pytest.raises(ValueError, match="`path` must hold tensors by name, got"):
        read_checkpoint(path)


def fill(model: Any, state: dict[str, Tensor]) -> None:
    fill_open_clip(model, state, name="RN50", path="RN50.pt")


def test_weights_are_copied_in_the_models_precision():
    source, target = clip(RESNET), clip(RESNET)
    fill(target, {name: tensor.half() for name, tensor in source.state_dict().items()})
    weight = target.visual.attnpool.v_proj.weight
    assert weight.dtype == torch.float64
    assert torch.equal(weight, source.visual.attnpool.v_proj.weight.half().double())


def test_a_text_tower_of_the_old_layout_goes_into_a_tower_apart():
    source, target = clip(TRANSFORMER), custom_text_clip(TRANSFORMER)
    fill(target, source.state_dict())
    assert torch.equal(target.text.ln_final.weight, source.ln_final.weight)


@pytest.mark.parametrize("shape", [(1,), ()])
def test_the_temperature_is_left_out_whatever_its_shape(shape: tuple[int, ...]):
    model = clip(RESNET)
    before = model.logit_scale.item()
    state = {**model.state_dict(), "logit_scale": torch.ones(shape), "logit_bias": torch.ones(1)}
    fill(model, state)
    assert model.logit_scale.item() == before


@pytest.mark.parametrize(
    ("vision", "key"),
    [
        (RESNET, "visual.attnpool.positional_embedding"),
        (TRANSFORMER, "visual.positional_embedding"),
    ],
)
def test_position_tables_of_another_size_are_interpolated(vision: dict[str, Any], key: str):
    source, target = clip({**vision, "image_size": 2 * vision["image_size"]}), clip(vision)
    fill(target, source.state_dict())
    table = target.state_dict()[key]
    assert torch.equal(table[0], source.state_dict()[key][0])
    assert len(source.state_dict()[key]) == 1 + 4 * (len(table) - 1)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({**RESNET, "layers": (1, 1, 1, 2)}, r"0 missing, \d+ unknown, 0 of another shape"),
        ({**RESNET, "width": 16}, r"0 missing, 0 unknown, \d+ of another shape"),
        (TRANSFORMER, r"\d+ missing, \d+ unknown, 1 of another shape"),
    ],
)
def test_another_architecture_is_refused(other: dict[str, Any], message: str):
    model = clip(RESNET)
    before = model.visual.conv1.weight.clone()
    with pytest.raises(ValueError, match=rf"weights of RN50, got 'RN50.pt': {message}.*such as"):
        fill(model, clip(other).state_dict())
    assert torch.equal(model.visual.conv1.weight, before)


def test_missing_weights_are_counted_and_named():
    model = clip(RESNET)
    state = {k: v for k, v in model.state_dict().items() if k != "ln_final.bias"}
    with pytest.raises(ValueError, match=r"1 missing, 0 unknown.* such as 'ln_final.bias'"):
        fill(model, state)


def test_statistics_that_old_files_lack_are_not_missed():
    model = clip(RESNET)
    fill(model, {k: v for k, v in model.state_dict().items() if "num_batches" not in k})


def under(prefix: str, state: dict[str, Tensor] = STATE) -> dict[str, Tensor]:
    return {f"{prefix}{name}": value for name, value in state.items()}


WRAPPED = {
    "torch.compile": under("_orig_mod."),
    "DataParallel of a compiled model": under("module._orig_mod."),
    "Lightning": {"state_dict": under("model."), "epoch": 3, "hyper_parameters": {"lr": 0.1}},
    "Lightning, compiled": {"state_dict": under("net._orig_mod.")},
    "under the key model": {"model": STATE, "optimizer": {"state": {}}},
    "under two keys": {"model": {"state_dict": under("module.")}},
    "under the key model_state_dict": {"model_state_dict": under("clip.")},
    "averages alone": {"model_ema": under("module."), "n": 1},
}


@pytest.mark.parametrize("kind", WRAPPED)
def test_what_programs_put_around_weights_is_taken_off(kind: str, tmp_path: Path):
    state, _ = read_checkpoint(save_torch(WRAPPED[kind], tmp_path / "weights.pt"))
    assert state.keys() == STATE.keys()


@pytest.mark.parametrize("name", ["weights.bin", "weights.pt", "weights"])
def test_safetensors_are_known_by_their_content(name: str, tmp_path: Path):
    save_file(under("model."), tmp_path / name)
    assert read_checkpoint(tmp_path / name).state.keys() == STATE.keys()


def test_averages_beside_the_weights_are_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    content = {"state_dict": STATE, "state_dict_ema": {"a.bias": torch.zeros(4)}}
    state, _ = read_checkpoint(save_torch(content, tmp_path / "weights.pt"))
    assert torch.equal(state["a.bias"], STATE["a.bias"])
    assert "taking the weights under 'state_dict'; there are averaged ones" in caplog.text


def test_a_tower_is_found_beside_other_parts(caplog: pytest.LogCaptureFixture):
    source, target = clip(RESNET), clip(RESNET)
    others = {"prompt_learner.ctx": torch.zeros(4), "criterion.weight": torch.zeros(3)}
    fill(target, {**under("model.clip_model.", source.state_dict()), **others})
    assert torch.equal(target.visual.conv1.weight, source.visual.conv1.weight)
    assert "taking the weights under 'model.clip_model.'; 2 other tensors" in caplog.text


def test_a_prefix_that_nobody_knows_is_named():
    model = clip(RESNET)
    with pytest.raises(ValueError, match=r"all names in the file begin with 'student\.': save"):
        fill(model, under("student.", model.state_dict()))


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_weights_that_are_not_finite_are_named(value: float):
    model = clip(RESNET)
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state["ln_final.bias"][3] = value
    with pytest.raises(
        ValueError, match=r"finite weights, got 1 of 32 numbers of 'ln_final\.bias'"
    ):
        fill(model, state)
    state = {**model.state_dict(), "attn_mask": torch.full((2, 2), -torch.inf)}
    fill(model, state)  # as OpenAI's archives have it


def test_a_packed_archive_is_not_unpacked(tmp_path: Path):
    path = save_torch({"a": torch.zeros(2**20)}, tmp_path / "weights.pt")
    packed = tmp_path / "packed.pt"
    with ZipFile(path) as whole, ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        for name in whole.namelist():
            archive.writestr(name, whole.read(name))
    with pytest.raises(ValueError, match="an archive that would unpack to 4,19"):
        read_checkpoint(packed)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="this is a pipe, not a file"):
        read_checkpoint(tmp_path / "pipe")


def test_tensors_without_values_are_refused(tmp_path: Path):
    path = save_torch({"a": torch.empty(3, device="meta")}, tmp_path / "weights.pt")
    with pytest.raises(ValueError, match=r"plain tensors, got 'a' in .*, which is sparse"):
        read_checkpoint(path)
