"""A model as one ONNX file."""

from pathlib import Path

from trmml.json_text import json_text
from trmml.models import MultiLabelModel
from trmml.onnx_graph import check_onnx_installed, size_beyond_onnx, to_onnx
from trmml.sharing.deployable import shows_regions
from trmml.sharing.graph_card import METADATA_KEY, describe, writing
from trmml.sharing.program import export_program

__all__ = ["export_onnx"]

OLDEST = 18  # what the exporter's own graphs are in


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
    check_onnx_installed()
    _check_opset(opset)
    regions = shows_regions(model, regions)
    program, description = export_program(model, regions=regions), describe(model, regions=regions)
    if (size := size_beyond_onnx(program.state_dict)) is not None:
        raise ValueError(
            f"`model` must have less than 2 GiB of weights to be one ONNX file, got {size} in "
            "float32; use `export_pt2` or a smaller tower."
        )
    converted = to_onnx(
        program,
        inputs=[description["input"]["name"]],
        outputs=description["outputs"],
        opset=opset,
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


def _check_opset(opset: int | None) -> None:
    from onnx.defs import onnx_opset_version

    newest = onnx_opset_version()
    if opset is not None and not OLDEST <= opset <= newest:
        raise ValueError(
            f"`opset` must be from {OLDEST} to {newest}, the newest that this onnx knows, got "
            f"{opset}."
        )
