"""`trmml export`: a trained model as one file that predicts without this library."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from trmml.cli.opening import opened
from trmml.cli.options import AsJson, Model, Overwrite, OwnTask, PredictBy, Quiet
from trmml.cli.outputs import check_output, print_json
from trmml.cli.progress import progress_bar

__all__ = ["export"]

MOST = 1e-3  # difference that still counts as agreement; float32 usually keeps it below 1e-5


def export(
    model: Model,
    out: Annotated[Path, typer.Option(help="File to write, ending in .onnx or .pt2.")],
    file_format: Annotated[
        Literal["onnx", "pt2"] | None,
        typer.Option("--format", help="For ONNX Runtime, or for torch; as --out ends if left out."),
    ] = None,
    regions: Annotated[
        bool | None,
        typer.Option(
            help="Whether the file tells where each class is seen, too; without either, where the "
            "model does."
        ),
    ] = None,
    opset: Annotated[
        int | None,
        typer.Option(
            min=18, help="Version of ONNX's operators, for .onnx.", show_default="the exporter's"
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option(help="Whether to run the file and compare it with the model.")
    ] = True,
    overwrite: Overwrite = False,
    task: OwnTask = None,
    prediction: PredictBy = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write a model's prediction as one graph: 8-bit pixels in, probabilities out.

    Exits with 0 if the file agrees with the model, 1 if not, 2 on a wrong call. What the file
    needs (names, thresholds, image size) is in it and beside it, as FILE.json.

    Examples: `trmml export my-model --out tags.onnx`, or
    `trmml export my-model --format pt2 --out tags.pt2 --no-regions --json`.
    """
    from trmml.sharing import export_onnx, export_pt2, largest_difference

    chosen = _format_of(out, file_format)
    if opset is not None and chosen == "pt2":
        raise typer.BadParameter("--opset is of an .onnx file; leave it out for .pt2.")
    check_output(out, inputs=[model], overwrite=overwrite)
    with progress_bar("Exporting", 3 if check else 2, quiet=quiet) as advance:
        loaded = opened(model, device="cpu", task=task, prediction=prediction)
        advance(1)
        if chosen == "onnx":
            export_onnx(loaded, out, opset=opset, regions=regions)
        else:
            export_pt2(loaded, out, regions=regions)
        advance(1)
        difference = largest_difference(loaded, out) if check else None
        advance(int(check))
    agrees = None if difference is None else difference <= MOST
    report = {
        "file": str(out),
        "format": chosen,
        "bytes": out.stat().st_size,
        "classes": len(loaded.class_names),
        "image_size": loaded.image_size,
        "largest_difference": difference,
        "agrees": agrees,
    }
    if as_json:
        print_json(report)
    else:
        checked = (
            "not compared with the model"
            if difference is None
            else f"differs by at most {difference:.1e} from the model"
        )
        print(
            f"{out}: {report['bytes'] / 1e6:,.1f} MB, {report['classes']} classes, images of "
            f"{loaded.image_size} x {loaded.image_size} pixels; {checked}"
        )
    if agrees is False:
        typer.echo(
            f"trmml: {out} differs from the model by {difference:.1e}, more than {MOST}; "
            "do not use it.",
            err=True,
        )
        raise typer.Exit(1)


def _format_of(out: Path, wanted: str | None) -> str:
    found = wanted or out.suffix.removeprefix(".")
    if found not in ("onnx", "pt2") or out.suffix != f".{found}":
        raise typer.BadParameter(
            f"--out must end in .{wanted}." if wanted else "--out must end in .onnx or .pt2."
        )
    if not out.parent.is_dir():
        raise typer.BadParameter(f"--out must be in a folder that exists, got {out}.")
    return found
