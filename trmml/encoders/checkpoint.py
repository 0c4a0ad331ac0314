"""Weights from a file: whole, of tensors alone, and of the architecture they are put into."""

import math
import warnings
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from trmml.encoders.positions import resize_positions
from trmml.encoders.state_names import names_begin_with, unprefixed, unwrapped
from trmml.regular_files import require_regular_file
from trmml.stored_files import is_safetensors, read_tensors, require_finite

__all__ = ["Checkpoint", "fill_open_clip", "read_checkpoint"]

# OpenAI's archives carry these beside the weights
_OPENAI_EXTRAS = {"input_resolution", "context_length", "vocab_size"}
LARGEST_RATIO = 4  # of what an archive unpacks to, to its own size
# not part of a tower, or made anew by every version
_OPTIONAL = ("logit_scale", "logit_bias", "attn_mask")
_POSITIONS = ("visual.positional_embedding", "visual.attnpool.positional_embedding")


class Checkpoint(NamedTuple):
    """The tensors of a file.

    Attributes:
        state: Tensor by name.
        from_openai: Whether OpenAI wrote it, so that its towers use the quick GELU.
    """

    state: dict[str, Tensor]
    from_openai: bool


def read_checkpoint(path: str | Path) -> Checkpoint:
    """Read a file of weights: safetensors, a state dict, open_clip's or OpenAI's own archive.

    Nothing in the file is executed as Python: state dicts are read as tensors alone, and OpenAI's
    archives as TorchScript. The content decides which it is, not the file's name. A training's
    checkpoint gives its model's weights, without what torch.compile, DataParallel, Lightning and
    their like put before the names.

    Args:
        path: The file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no plain file, cut short, damaged, or holds anything but named tensors.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(
            f"`path` must be a file of weights, got {str(path)!r}, which does not exist; check it."
        )
    require_regular_file(path)
    scripted = False
    try:
        scripted = _is_torchscript(path)
        content: Any = _read_torchscript(path) if scripted else _read_tensors(path)
    except Exception as error:
        # every reader has errors of its own for a damaged file, and none tells the user what to do
        reason = f"{error}" if type(error) is ValueError else type(error).__name__
        raise ValueError(
            f"`path` must be a whole file of tensors, got {str(path)!r}, which is cut short, "
            f"damaged, or holds other objects ({reason:.300}); fetch or save it again."
        ) from error
    content = unwrapped(content, path=str(path))
    if not isinstance(content, dict) or not content:
        raise ValueError(
            f"`path` must hold tensors by name, got {type(content).__name__} in {str(path)!r}; "
            "save a model's `state_dict()`."
        )
    tensors = {str(k): v for k, v in content.items() if torch.is_tensor(v)}
    for name, tensor in tensors.items():
        if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_meta:
            raise ValueError(
                f"`path` must hold plain tensors, got {name!r} in {str(path)!r}, which is sparse, "
                "quantised or without values; save the weights as they were trained."
            )
    state = unprefixed(tensors, path=str(path))
    from_openai = scripted or state.keys() >= _OPENAI_EXTRAS
    return Checkpoint({k: v for k, v in state.items() if k not in _OPENAI_EXTRAS}, from_openai)


def fill_open_clip(
    model: Any,  # noqa: ANN401 - open_clip ships no stubs
    state: dict[str, Tensor],
    *,
    name: str,
    path: str,
) -> None:
    """Put weights into an open_clip model, every one of them or none.

    Position tables of another grid are interpolated; the temperature and bias of the training
    loss are left out.

    Args:
        model: The model, changed in place.
        state: Tensor by name.
        name: The model's name, for the message.
        path: The file's, likewise.

    Raises:
        ValueError: If weights are missing, too many, of other shapes than the model's, or not
            finite.
    """
    from open_clip.convert import convert_state_dict
    from open_clip.model import convert_to_custom_text_state_dict

    visual = [name for name in model.state_dict() if name.startswith("visual.")]
    state = convert_state_dict(model, unprefixed(state, visual, path=path))
    if hasattr(model, "text"):
        state = convert_to_custom_text_state_dict(state)
    own = model.state_dict()
    for key in _POSITIONS:
        if key in state and key in own:
            state[key] = _fit_positions(state[key], own[key])
    state = {key: value for key, value in state.items() if not key.endswith(_OPTIONAL)}
    wanted = {
        key: value
        for key, value in own.items()
        if not key.endswith((*_OPTIONAL, "num_batches_tracked"))
    }
    missing = sorted(wanted.keys() - state.keys())
    unknown = sorted(state.keys() - own.keys())
    other = sorted(k for k in state.keys() & own.keys() if state[k].shape != own[k].shape)
    if missing or unknown or other:
        counts = f"{len(missing)} missing, {len(unknown)} unknown, {len(other)} of another shape"
        prefix = names_begin_with(state)
        remedy = (
            "check the architecture's name"
            if prefix is None or state.keys() & own.keys()
            else f"all names in the file begin with '{prefix}.': save the weights without it"
        )
        raise ValueError(
            f"`pretrained` must hold the weights of {name}, got {path!r}: {counts}, such as "
            f"{(missing + unknown + other)[0]!r}; {remedy}."
        )
    require_finite(state, path=path)
    model.load_state_dict(state, strict=False)


def _fit_positions(table: Tensor, own: Tensor) -> Tensor:
    if table.shape == own.shape or table.shape[1:] != own.shape[1:]:
        return table
    was, now = math.isqrt(len(table) - 1), math.isqrt(len(own) - 1)
    return resize_positions(table, (was, was), (now, now))


def _is_torchscript(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        names, unpacked = archive.namelist(), sum(one.file_size for one in archive.infolist())
    if unpacked > LARGEST_RATIO * path.stat().st_size:  # torch packs nothing
        raise ValueError(f"an archive that would unpack to {unpacked:,} bytes")
    return any(name.endswith("/constants.pkl") for name in names)


def _read_torchscript(path: Path) -> dict[str, Tensor]:
    with warnings.catch_warnings():
        # torch deprecates TorchScript, but OpenAI's files are what they are
        warnings.simplefilter("ignore")
        return torch.jit.load(str(path), map_location="cpu").state_dict()


def _read_tensors(path: Path) -> object:
    if is_safetensors(path):
        return read_tensors(path).tensors
    return torch.load(path, map_location="cpu", weights_only=True)
