from collections.abc import Callable

import torch
from torch import Tensor

HALF = [torch.bfloat16, torch.float16]
DTYPES = [torch.float32, *HALF]
EXTREMES = [-1e4, -100.0, -1.0, 0.0, 1.0, 100.0, 1e4]


def assert_finite(function: Callable[..., Tensor], *inputs: Tensor) -> None:
    """Check that values and gradients are finite, and that every input gets a gradient."""
    leaves = [tensor.detach().requires_grad_() for tensor in inputs]
    value = function(*leaves)
    assert value.isfinite().all()
    value.sum().backward()
    for leaf in leaves:
        assert leaf.grad is not None
        assert leaf.grad.isfinite().all()
