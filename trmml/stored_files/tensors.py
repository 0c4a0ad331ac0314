"""Read safetensors that came from elsewhere: whole, or one clear line that says what is wrong."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from torch import Tensor

from trmml.regular_files import require_regular_file
from trmml.stored_files.json_objects import parse_json

__all__ = ["StoredTensors", "is_safetensors", "read_tensors", "require_finite"]

LONGEST_HEADER: Final = 100_000_000  # bytes, as the format itself has it
LONGEST_REASON: Final = 200
WHAT: Final = "a whole safetensors file"


class StoredTensors(NamedTuple):
    """What a safetensors file holds.

    Attributes:
        tensors: Tensor by name, on the CPU.
        metadata: Text by name.
    """

    tensors: dict[str, Tensor]
    metadata: dict[str, str]


def read_tensors(path: str | os.PathLike[str]) -> StoredTensors:
    """Read a file of tensors.

    Nothing in it is executed, and what it says of itself is checked before memory is asked for.

    Args:
        path: Of a safetensors file, whatever its name ends in.

    Raises:
        FileNotFoundError: If nothing is there.
        ValueError: If it is no plain file, no safetensors file, cut short, damaged, or larger than
            the machine's memory.
        OSError: If it cannot be read.

    Examples:
        >>> _ = Path("weights.safetensors").write_bytes(b"40 bytes, and no header that fits....")
        >>> read_tensors("weights.safetensors")
        Traceback (most recent call last):
            ...
        ValueError: weights.safetensors must be a whole safetensors file, got one that is cut \
short, damaged or of another kind; fetch or save it again.
    """
    path = require_regular_file(path)
    length = _header_length(path)
    if length is None:
        raise _refusal(path, "one that is cut short, damaged or of another kind")
    size, memory = path.stat().st_size, _memory()
    if memory is not None and size > memory:
        raise _refusal(path, f"one of {size:,} bytes, more than the {memory:,} of this memory")
    with path.open("rb") as file:
        file.seek(8)
        parse_json(file.read(length), where=path, what=WHAT)  # nests, twins and numbers
    from safetensors import safe_open

    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return StoredTensors(tensors, dict(file.metadata() or {}))
    except OSError:
        raise
    except Exception as error:
        # of many kinds: for offsets that overlap, kinds of numbers that torch has not, and others
        reason = " ".join(str(error).split())[:LONGEST_REASON] or type(error).__name__
        raise _refusal(path, f"a damaged one ({reason})") from None


def is_safetensors(path: str | os.PathLike[str]) -> bool:
    """Say whether a plain file begins as a safetensors file does, whatever its name ends in."""
    path = Path(path)
    if _header_length(path) is None:
        return False
    with path.open("rb") as file:
        return file.read(9)[8:] == b"{"


def require_finite(tensors: Mapping[str, Tensor], *, path: str | os.PathLike[str]) -> None:
    """Refuse weights among which is nan or infinity.

    Args:
        tensors: Tensor by name; whole numbers are passed over.
        path: The file they are from, for the message.

    Raises:
        ValueError: With the first tensor that holds one.

    Examples:
        >>> import torch
        >>> require_finite({"head.weight": torch.tensor([1, torch.inf])}, path="model.safetensors")
        Traceback (most recent call last):
            ...
        ValueError: model.safetensors must hold finite weights, got 1 of 2 numbers of \
'head.weight' that are not (nan or infinity); a computation before it was saved overflowed, take \
an earlier file.
    """
    for name, tensor in tensors.items():
        if not (tensor.is_floating_point() or tensor.is_complex()):
            continue
        # the smallest kinds of numbers cannot be asked; all of them fit the next larger
        finite = (tensor.float() if tensor.element_size() == 1 else tensor).isfinite()
        if not bool(finite.all()):
            wrong = int((~finite).sum())
            raise ValueError(
                f"{os.fspath(path)} must hold finite weights, got {wrong:,} of "
                f"{tensor.numel():,} numbers of {name!r} that are not (nan or infinity); a "
                "computation before it was saved overflowed, take an earlier file."
            )


def _header_length(path: Path) -> int | None:
    """Return how long a file says that its header is, if it may be."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
    length = int.from_bytes(start, "little")
    return length if len(start) == 8 and 2 <= length <= min(size - 8, LONGEST_HEADER) else None


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # not all systems tell
        return None


def _refusal(path: Path, reason: str) -> ValueError:
    return ValueError(f"{path} must be {WHAT}, got {reason}; fetch or save it again.")
