"""Graphs in ONNX: written from torch's, and run by ONNX Runtime."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import torch
from jaxtyping import Shaped
from torch import Tensor
from torch.export import ExportedProgram

from trmml.extras import install_line

__all__ = ["check_onnx_installed", "onnx_runner", "size_beyond_onnx", "to_onnx"]

LARGEST: Final = 2**31 - 2**24  # bytes of a protobuf file, less what the graph itself needs


def check_onnx_installed(*more: str) -> None:
    """Look for what graphs are written with.

    Args:
        more: Other modules that are needed.

    Raises:
        ModuleNotFoundError: If `onnx`, `onnxscript` or one of those is not installed.
    """
    try:
        for name in ("onnx", "onnxscript", *more):
            __import__(name)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"an ONNX file needs {error.name}; {install_line('export')}", name=error.name
        ) from error


def size_beyond_onnx(state: Mapping[str, Tensor]) -> str | None:
    """Say how large weights are if one ONNX file cannot hold them, as in "2.3 GiB"."""
    size = sum(weight.nbytes for weight in state.values())
    return f"{size / 2**30:.1f} GiB" if size > LARGEST else None


def to_onnx(
    program: ExportedProgram,
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
    opset: int | None = None,
) -> Any:  # noqa: ANN401 - torch's own type is not public
    """Write a graph of torch in ONNX's operators.

    Args:
        program: The graph.
        inputs: Names of what goes in.
        outputs: Names of what comes out.
        opset: Version of ONNX's operators; None takes the exporter's own.

    Returns:
        What `torch.onnx.export` returns.
    """
    with _errors_only("onnxscript"):
        return torch.onnx.export(
            program,
            dynamo=True,
            verbose=False,
            opset_version=opset,
            input_names=[*inputs],
            output_names=[*outputs],
            custom_translation_table={torch.ops.aten.sigmoid.default: _exact_sigmoid},
        )


def onnx_runner(
    model: str | Path | bytes, *, threads: int = 0
) -> Callable[[Shaped[Tensor, "..."]], list[Shaped[Tensor, "..."]]]:
    """Return what runs a graph of one input on the processor.

    Args:
        model: A file, or its contents.
        threads: At once; 0 lets ONNX Runtime choose.

    Raises:
        ModuleNotFoundError: If `onnxruntime` is not installed.
    """
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"an ONNX file runs in onnxruntime; {install_line('export')}", name=error.name
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        model if isinstance(model, bytes) else str(model),
        options,
        providers=["CPUExecutionProvider"],
    )
    (name,) = (one.name for one in session.get_inputs())

    def run(inputs: Tensor) -> list[Tensor]:
        found: Any = session.run(None, {name: inputs.numpy()})
        return [torch.from_numpy(one) for one in found]

    return run


def _exact_sigmoid(x: Any) -> Any:  # noqa: ANN401 - a value of onnxscript
    # ONNX Runtime's own Sigmoid is 0 below -18 and off by a sixth at -15. The region of a class
    # that is absent is all such positions, and its direction is what is matched with the text.
    from onnxscript import opset18

    op: Any = opset18
    return op.Div(1.0, op.Add(op.Exp(op.Neg(x)), 1.0))


@contextmanager
def _errors_only(name: str) -> Iterator[None]:
    """Keep a library's remarks on its own work from the user's screen."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
