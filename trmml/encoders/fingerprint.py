"""A short name for the exact weights of a module."""

import hashlib

import torch
from torch import nn

from trmml.encoders.protocol import EncoderPair

__all__ = ["fingerprint", "pair_fingerprints"]


def fingerprint(module: nn.Module) -> str:
    """Return the SHA-256 of a module's frozen state: names, dtypes, shapes and bytes.

    The order of the entries, the device and the memory layout make no difference; a single
    changed bit, name, precision or shape does. Two models with equal fingerprints compute the
    same if their code does.

    Args:
        module: Any module; its persistent buffers and its parameters count, but not those that
            learn (`requires_grad`), whose values are no part of what a module is.

    Returns:
        64 hexadecimal digits.

    Examples:
        >>> linear = nn.Linear(2, 2).requires_grad_(False)
        >>> before = fingerprint(linear)
        >>> _ = linear.weight.data[0, 0].add_(1)
        >>> fingerprint(linear) == before
        False
    """
    digest = hashlib.sha256()
    learning = {name for name, value in module.named_parameters() if value.requires_grad}
    for name, tensor in sorted(module.state_dict().items()):
        if name in learning:
            continue
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def pair_fingerprints(encoders: EncoderPair) -> dict[str, str]:
    """Return the fingerprint of each tower that is a module, by its name: "image", "text"."""
    towers = {"image": encoders.image, "text": encoders.text}
    return {
        name: fingerprint(tower) for name, tower in towers.items() if isinstance(tower, nn.Module)
    }
