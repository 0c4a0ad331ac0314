"""Modules that never learn and never leave eval mode."""

from typing import TypeVar

from trmml.typed_module import TypedModule

__all__ = ["FrozenModule"]

_Frozen = TypeVar("_Frozen", bound="FrozenModule")  # not `Self`: beartype refuses it on methods


class FrozenModule(TypedModule):
    """A module whose parameters stay as they are, whatever the training loop around it does.

    A parent's `.train()` reaches its children; here it stops, so that batch-norm statistics and
    dropout inside a frozen tower can never be switched back on by mistake.
    """

    def freeze(self) -> None:
        """Stop every parameter from learning and enter eval mode; call once all parts are set."""
        self.requires_grad_(False)
        super().train(False)

    def train(self: _Frozen, mode: bool = True) -> _Frozen:  # noqa: ARG002, PYI019
        """Do nothing: a frozen module stays in eval mode."""
        return self
