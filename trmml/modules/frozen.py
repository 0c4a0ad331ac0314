"""Hold a frozen network beside a module: moved with it, never trained or saved with it."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from trmml.typed_module import TypedModule

__all__ = ["FrozenHolder"]


class FrozenHolder(TypedModule):
    """A module that uses frozen networks without owning their weights.

    What is held follows `.to()`, `.cuda()` and `.half()`, but stays out of `parameters()` and
    `state_dict()`: an optimiser sees only what learns, a checkpoint holds only what was learnt.

    Examples:
        >>> holder = FrozenHolder()
        >>> holder.hold("tower", nn.Linear(2, 2))
        >>> len(list(holder.parameters())), len(holder.state_dict())
        (0, 0)
        >>> holder.double().tower.weight.dtype
        torch.float64
    """

    def __init__(self) -> None:
        """Start with nothing held."""
        super().__init__()
        self._held: list[str] = []

    def hold(self, name: str, network: object) -> None:
        """Keep `network` as attribute `name` without registering it as a child.

        Args:
            name: Attribute to store it under.
            network: Any object; if it is an `nn.Module` it is moved along with this one.
        """
        # nn.Module.__setattr__ would register it, and with it every frozen weight
        object.__setattr__(self, name, network)
        self._held.append(name)

    def holds(self, network: object) -> bool:
        """Say whether a network is held here, and so moves with this module."""
        return any(getattr(self, name) is network for name in self._held)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:  # noqa: ANN401
        for name in self._held:
            network = getattr(self, name)
            if isinstance(network, nn.Module):
                network._apply(fn)
        return super()._apply(fn, recurse)
