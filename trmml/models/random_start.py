"""Draw the start of parameters from a generator of the caller's."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["drawing_from"]


@contextmanager
def drawing_from(generator: torch.Generator | None) -> Iterator[None]:
    """Let everything drawn in the block come from `generator`, and advance it.

    Torch's layers initialise themselves from the global random state and take no generator. Here
    that state is lent for the block and comes back as it was.

    Args:
        generator: On the CPU; None draws from the global state as usual.

    Examples:
        >>> with drawing_from(torch.Generator().manual_seed(0)):
        ...     first = torch.nn.Linear(2, 2).weight
        >>> with drawing_from(torch.Generator().manual_seed(0)):
        ...     second = torch.nn.Linear(2, 2).weight
        >>> bool((first == second).all())
        True
    """
    if generator is None:
        yield
        return
    with torch.random.fork_rng(devices=[]):
        torch.set_rng_state(generator.get_state())
        yield
        generator.set_state(torch.get_rng_state())
