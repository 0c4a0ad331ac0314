"""Plain data that tells two transforms apart, the same in every process."""

import hashlib
import json
import sys
from collections.abc import Mapping
from enum import Enum
from functools import partial
from pathlib import PurePath
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["describe"]

# Their names stand for their code, and their private attributes follow from the public ones.
_LIBRARIES = {"PIL", "einops", "numpy", "torch", "torchvision", "trmml"} | sys.stdlib_module_names
_LIBRARIES -= {"__main__"}
_ROUTINES = (BuiltinFunctionType, FunctionType, MethodType, np.ufunc, partial, type)
_METHODS = (FunctionType, staticmethod, classmethod, property)
_OF_EVERY_MODULE = {*vars(nn.Module())}


def describe(value: object) -> Any:  # noqa: ANN401 - any plain data
    """Describe what a transform is made of: classes, settings, and the code of own functions.

    Of a function or class outside the known libraries the code counts, with what it closes over
    and the numbers, texts and own functions that it finds as globals; the modules that it imports
    count by name.

    Args:
        value: Any transform or setting of one.

    Returns:
        Numbers, texts, lists and dicts as JSON knows them. Equal transforms give equal ones in
        every process of one version of Python.

    Raises:
        ValueError: If a part has no description that another process would share.

    Examples:
        >>> describe(partial(round, ndigits=2))
        {'partial': 'builtins.round', 'args': [], 'keywords': {'ndigits': 2}}
    """
    return _describe(value, ())


def _describe(value: object, above: tuple[int, ...]) -> Any:  # noqa: ANN401 - any plain data
    if id(value) in above:
        return {"again": above[::-1].index(id(value))}
    above = (*above, id(value))
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, bytes | complex | torch.dtype | torch.device | PurePath | type(...)):
        return str(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Tensor | np.ndarray):
        return _describe_array(value)
    if isinstance(value, list | tuple):
        return [_describe(item, above) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((_describe(item, above) for item in value), key=json.dumps)
    if isinstance(value, Mapping):
        return {str(name): _describe(item, above) for name, item in value.items()}
    if isinstance(value, CodeType):
        return _describe_code(value, above)
    if isinstance(value, staticmethod | classmethod):
        return _describe(value.__func__, above)
    if isinstance(value, property):
        return _describe(value.fget, above)
    if isinstance(value, _ROUTINES):
        return _describe_routine(value, above)
    return _describe_object(value, above)


def _describe_array(value: Tensor | np.ndarray) -> dict[str, Any]:
    array = value.detach().cpu().numpy() if isinstance(value, Tensor) else value
    digest = hashlib.sha256(np.ascontiguousarray(array).tobytes())
    return {"array": str(array.dtype), "shape": [*array.shape], "sha256": digest.hexdigest()}


def _describe_routine(value: Any, above: tuple[int, ...]) -> Any:  # noqa: ANN401
    if isinstance(value, partial):
        parts = {"partial": value.func, "args": value.args, "keywords": value.keywords}
        return {name: _describe(part, above) for name, part in parts.items()}
    if isinstance(value, MethodType):
        return {"method": value.__name__, "of": _describe(value.__self__, above)}
    if isinstance(value, FunctionType) and (_is_own(value) or "<" in value.__qualname__):
        return _describe_function(value, above)
    if isinstance(value, type) and _is_own(value):
        return {"class": value.__qualname__, "code": _class_code(value, above)}
    return f"{getattr(value, '__module__', 'builtins')}.{value.__qualname__}"


def _describe_function(function: FunctionType, above: tuple[int, ...]) -> dict[str, Any]:
    code, found = function.__code__, function.__globals__
    cells = zip(code.co_freevars, function.__closure__ or (), strict=True)
    described = {
        "function": function.__qualname__,
        "code": _describe_code(code, above),
        "defaults": [function.__defaults__, function.__kwdefaults__],
        "closure": {name: cell.cell_contents for name, cell in cells},
        "globals": {name: found[name] for name in _names(code) if _counts(found.get(name))},
    }
    return {name: _describe(part, above) for name, part in described.items() if part}


def _describe_code(code: CodeType, above: tuple[int, ...]) -> str:
    parts = [code.co_code.hex(), code.co_names, code.co_varnames, code.co_freevars, code.co_consts]
    return hashlib.sha256(json.dumps(_describe(parts, above)).encode()).hexdigest()


def _names(code: CodeType) -> list[str]:
    """Name what a function and those inside it look up."""
    nested = [_names(part) for part in code.co_consts if isinstance(part, CodeType)]
    return sorted({*code.co_names}.union(*nested))


def _counts(value: object) -> bool:
    """Say whether a global that a function may use is a part of what the function is."""
    if isinstance(value, list | tuple):
        return all(map(_counts, value))
    plain = isinstance(value, bool | int | float | str)
    return plain or (isinstance(value, FunctionType | type) and _is_own(value))


def _describe_object(value: object, above: tuple[int, ...]) -> dict[str, Any]:
    kind = type(value)
    attributes = {**getattr(value, "__dict__", {})}
    for slot in getattr(kind, "__slots__", ()):
        if hasattr(value, slot):
            attributes[slot] = getattr(value, slot)
    stateless = kind.__module__ != "builtins" and hasattr(value, "__dict__")
    if not attributes and not stateless:
        raise ValueError(
            "`transform` must be made of parts that another process would recognise, got "
            f"{value!r}; make it of classes and functions with plain settings."
        )
    if isinstance(value, nn.Module):
        own = {name: part for name, part in attributes.items() if name not in _OF_EVERY_MODULE}
        attributes = own | dict(value.named_children())
        attributes |= dict(value.named_parameters(recurse=False))
        attributes |= dict(value.named_buffers(recurse=False))
    if not _is_own(kind):
        attributes = {k: part for k, part in attributes.items() if not k.startswith("_")}
    return {
        "class": _describe(kind, above),
        **{name: _describe(part, above) for name, part in attributes.items()},
    }


def _class_code(kind: type, above: tuple[int, ...]) -> dict[str, Any]:
    """Describe what a class and its own bases define, the base's first."""
    defined: dict[str, object] = {}
    for base in reversed(kind.__mro__):
        if _is_own(base):
            defined |= {
                k: v for k, v in vars(base).items() if isinstance(v, _METHODS) or _counts(v)
            }
    housekeeping = {"__module__", "__doc__", "__firstlineno__", "__qualname__"}
    return {k: _describe(v, above) for k, v in defined.items() if k not in housekeeping}


def _is_own(value: Any) -> bool:  # noqa: ANN401 - a class or a function
    return str(getattr(value, "__module__", "")).split(".")[0] not in _LIBRARIES
