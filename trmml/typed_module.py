"""Modules whose calls type checkers understand."""

from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeVar

from torch import nn

__all__ = ["TypedModule"]

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result", covariant=True)


class _Forwards(Protocol[_Arguments, _Result]):
    """Whatever has a `forward`, with its arguments and its result."""

    def forward(self, *args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        """Compute."""
        ...


class TypedModule(nn.Module):
    """An `nn.Module` that is called with the types of its `forward`.

    To a type checker, torch's own modules take anything and return `Any`: a loss that is called
    with its arguments exchanged, or an output without the attribute asked for, goes unnoticed. At
    run time this is an `nn.Module` and nothing else.

    Examples:
        >>> import torch
        >>> class Double(TypedModule):
        ...     def forward(self, x: torch.Tensor) -> torch.Tensor:
        ...         return 2 * x
        >>> Double()(torch.ones(1))  # a Tensor to a type checker too
        tensor([2.])
    """

    if TYPE_CHECKING:

        def __call__(  # noqa: D102 - what `forward` says
            self: _Forwards[_Arguments, _Result],
            *args: _Arguments.args,
            **kwargs: _Arguments.kwargs,
        ) -> _Result: ...
