"""The bytes of a safetensors file, tensor by tensor, so that they never lie in memory at once."""

import json
from collections.abc import Iterator, Mapping
from math import prod
from typing import Final

import torch
from torch import Tensor

__all__ = ["tensor_content"]

KINDS: Final = {
    torch.uint64: "U64",
    torch.int64: "I64",
    torch.float64: "F64",
    torch.complex64: "C64",
    torch.float32: "F32",
    torch.uint32: "U32",
    torch.int32: "I32",
    torch.bfloat16: "BF16",
    torch.float16: "F16",
    torch.uint16: "U16",
    torch.int16: "I16",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
"""What the format calls kinds of numbers, in the order in which it lays them: widest first."""

ALIGNMENT: Final = 8  # bytes: the header is filled with blanks up to a multiple


def tensor_content(
    tensors: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> Iterator[bytes | memoryview]:
    r"""Give the content of a safetensors file piece by piece: the header, then each tensor.

    The pieces joined are what `safetensors.torch.save` returns for one entry of metadata, which
    needs all of them in memory, and `safetensors.torch.save_file` writes in a way of its own. What
    a tensor on a GPU takes is let go before the next one.

    Args:
        tensors: Tensor by name; they must not change before the last piece is taken.
        metadata: Text by name.

    Raises:
        ValueError: If a tensor is of a kind of numbers that the format has not.

    Examples:
        >>> pieces = list(tensor_content({"scale": torch.ones(2)}, {"made by": "me"}))
        >>> pieces[0][8:].decode().rstrip()
        '{"__metadata__":{"made by":"me"},"scale":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
        >>> bytes(pieces[1])
        b'\x00\x00\x80?\x00\x00\x80?'
    """
    for name, tensor in tensors.items():
        if tensor.dtype not in KINDS:
            raise ValueError(
                f"`tensors` must be of kinds that safetensors knows, got {tensor.dtype} in "
                f"{name!r}; convert it."
            )
    order = {kind: place for place, kind in enumerate(KINDS)}
    names = sorted(tensors, key=lambda name: (order[tensors[name].dtype], name))
    yield _header({name: tensors[name] for name in names}, metadata)
    for name in names:
        flat = tensors[name].detach().cpu().contiguous().reshape(-1)
        yield flat.view(torch.uint8).numpy().data


def _header(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """Return its length and the header: kind, shape and place of every tensor."""
    entries: dict[str, object] = {"__metadata__": {**metadata}} if metadata else {}
    start = 0
    for name, tensor in tensors.items():
        end = start + prod(tensor.shape) * tensor.element_size()
        entries[name] = {
            "dtype": KINDS[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [start, end],
        }
        start = end
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    return len(text).to_bytes(8, "little") + text
