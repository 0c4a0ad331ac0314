"""A model as one ONNX file."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from trmml.extras import install_line
from trmml.json_text import json_text
from trmml.models import MultiLabelModel
from trmml.sharing.deployable import shows_regions
from trmml.sharing.graph_card import METADATA_KEY, describe, writing
from trmml.sharing.program import export_program

__all__ = ["export_onnx"]

OLDEST = 18  # what the exporter's own graphs are in
LARGEST = 2**31 - 2**24  # bytes of a protobuf file, less what the graph itself needs


def export_onnx(
    model: MultiLabelModel,
    path: str | Path,
    *,
    opset: int | None = None,
    regions: bool | None = None,
) -> None:
    """Write `export_program`'s graph as one ONNX file that says what it needs.

    A description (class names, decision thresholds, image size, how to prepare a photograph) is in
    the file's metadata under "trmml", as JSON, and beside it as `<path>.json`.

    Args:
        model: A trained model, left as it is.
        path: File to write, best with the suffix `.onnx`; its folder must exist.
        opset: Version of ONNX's operators, at least 18; None takes the exporter's own.
        regions: Whether the graph returns region maps as a second output; None does so where the
            model has regions.

    Raises:
        ModuleNotFoundError: If `onnx` or `onnxscript` is not installed.
        ValueError: If the weights exceed the 2 GiB of one ONNX file, the image tower is no
            `nn.Module`, the model has no regions to return, or the graph cannot be written in
            `opset`.
    """
    _check_installed()
    _check_opset(opset)
    regions = shows_regions(model, regions)
    program, description = export_program(model, regions=regions), describe(model, regions=regions)
    size = sum(weight.nbytes for weight in program.state_dict.values())
    if size > LARGEST:
        raise ValueError(
            f"`model` must have less than 2 GiB of weights to be one ONNX file, got "
            f"{size / 2**30:.1f} GiB in float32; use `export_pt2` or a smaller tower."
        )
    with _errors_only("onnxscript"):
        converted: Any = torch.onnx.export(
            program,
            dynamo=True,
            verbose=False,
            opset_version=opset,
            input_names=[description["input"]["name"]],
            output_names=description["outputs"],
            custom_translation_table={torch.ops.aten.sigmoid.default: _exact_sigmoid},
        )
    written = converted.model.opset_imports[""]
    if opset is not None and written != opset:  # the exporter keeps its own, and only logs it
        raise ValueError(
            f"`opset` must be one that this model can be written in, got {opset}; the exporter "
            f"comes no further than {written}, leave it out or ask for that."
        )
    converted.model.metadata_props[METADATA_KEY] = json_text(description)
    with writing(Path(path), description) as file:
        converted.save(file)


def _exact_sigmoid(x: Any) -> Any:  # noqa: ANN401 - a value of onnxscript
    # ONNX Runtime's own Sigmoid is 0 below -18 and off by a sixth at -15. The region of a class
    # that is absent is all such positions, and its direction is what is matched with the text.
    from onnxscript import opset18

    op: Any = opset18
    return op.Div(1.0, op.Add(op.Exp(op.Neg(x)), 1.0))


def _check_opset(opset: int | None) -> None:
    from onnx.defs import onnx_opset_version

    newest = onnx_opset_version()
    if opset is not None and not OLDEST <= opset <= newest:
        raise ValueError(
            f"`opset` must be from {OLDEST} to {newest}, the newest that this onnx knows, got "
            f"{opset}."
        )


def _check_installed() -> None:
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"an ONNX file needs {error.name}; {install_line('export')}", name=error.name
        ) from error


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
