"""Files that came from elsewhere, read whole or refused in one clear line; what tensors become."""

from trmml.stored_files.json_objects import kind_of, parse_json, read_json, require_kinds
from trmml.stored_files.tensor_content import tensor_content
from trmml.stored_files.tensors import (
    StoredTensors,
    is_safetensors,
    read_tensors,
    require_finite,
)

__all__ = [
    "StoredTensors",
    "is_safetensors",
    "kind_of",
    "parse_json",
    "read_json",
    "read_tensors",
    "require_finite",
    "require_kinds",
    "tensor_content",
]
