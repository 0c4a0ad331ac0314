"""`trmml demo`: the whole method on a CPU, in minutes."""

import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from trmml.cli.encoder_option import OwnEncoder, open_encoders
from trmml.cli.messages import note
from trmml.cli.options import AsJson, Overwrite, Quiet
from trmml.cli.outputs import check_output_folder, print_json
from trmml.cli.progress import progress_bar
from trmml.encoders import EncoderSource
from trmml.encoders.load import FAMILIES
from trmml.markdown_table import percent

__all__ = ["demo"]


def demo(
    keep: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of the training labels to keep.")
    ] = 0.1,
    seed: Annotated[
        int, typer.Option(min=0, help="Of the hidden labels and of every training.")
    ] = 0,
    single_positive: Annotated[
        bool, typer.Option("--single-positive", help="Keep one positive label per image.")
    ] = False,
    images: Annotated[
        Path | None,
        typer.Option(
            help="Folder of photographs, instead of generated scenes; name --encoder too."
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="CSV table of their labels: file name, then one column a category."),
    ] = None,
    encoder: OwnEncoder = None,
    methods: Annotated[
        str | None,
        typer.Option(
            help="Further methods to compare, of those that `trmml methods` lists, separated by "
            "commas."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for results, pictures and the model.")] = Path(
        "trmml-demo"
    ),
    overwrite: Overwrite = False,
    fast: Annotated[
        bool, typer.Option("--fast", help="A few images and epochs, only to see that it runs.")
    ] = False,
    serve: Annotated[
        bool, typer.Option("--serve", help="Serve a page with the trained model afterwards.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Hide labels, then compare frozen towers alone, a DualCoOp-style baseline and TRM-ML.

    TRM-ML twice: labels completed as in the paper, and calibrated, at a promised precision.

    Examples: `trmml demo`, `trmml demo --serve`, `trmml demo --keep 0.3 --seed 1`,
    `trmml demo --methods coop,dualcoop`, or
    `trmml demo --images photos --labels labels.csv --encoder RN50 --out my-demo`.

    Photographs need towers that have seen photographs. Those of the package have not, and with them
    the numbers mean nothing.
    """
    if serve:
        import gradio  # noqa: F401 - if it is missing, say so now and not after minutes of work

    from trmml.demo import (
        DEMO_RECIPE,
        draw_completion,
        draw_regions,
        photograph_data,
        run_experiment,
        save_examples,
        world_data,
        write_results,
    )
    from trmml.demo.further_methods import demo_method
    from trmml.demo.towers import fast_caution, photograph_caution, photograph_size
    from trmml.encoders.tiny import load_tiny

    if (images is None) != (labels is None):
        raise typer.BadParameter("--images and --labels go together; give both, or neither.")
    if encoder is not None and images is None:
        raise typer.BadParameter(
            "--encoder goes with --images and --labels; generated scenes have towers of their own."
        )
    if keep == 0 and not single_positive:
        raise typer.BadParameter("--keep must be above 0; without labels nothing is learnt.")
    further = [] if methods is None else [name.strip() for name in methods.split(",")]
    for name in further:  # before minutes of work
        demo_method(name, single_positive=single_positive)
    check_output_folder(out, inputs=[images, labels], overwrite=overwrite)
    start = time.monotonic()
    bar = partial(progress_bar, quiet=quiet)
    encoders = load_tiny() if encoder is None else open_encoders(encoder, quiet=quiet)
    caution = None if images is None else photograph_caution(encoders.source)
    if caution is not None and as_json:
        note(caution, quiet=quiet)
    elif caution is not None:
        print(caution, flush=True)  # before the numbers, wherever they are written to
    out.mkdir(parents=True, exist_ok=True)  # before minutes of work, so that a bad path costs none
    if images is not None and labels is not None:
        size = photograph_size(encoders)
        data = photograph_data(images, labels, limit=100 if fast else None, image_size=size)
    else:
        num_train, num_test = (60, 30) if fast else (2000, 1000)
        with bar("Generating scenes", num_train + num_test) as advance:
            data = world_data(num_train=num_train, num_test=num_test, progress=lambda _: advance(1))
    result = run_experiment(
        data,
        encoders,
        progress=bar,
        keep=keep,
        seed=seed,
        single_positive=single_positive,
        recipe=replace(DEMO_RECIPE, epochs=4) if fast else DEMO_RECIPE,
        methods=further,
    )
    pictures = draw_regions(result.model, data.test, result.test_scores, out)
    pictures += draw_completion(result.report, out)
    result.model.save_pretrained(out / "model")
    short = fast_caution(result.report) if fast else None
    report = {
        **result.report,
        "cautions": [sentence for sentence in (caution, short) if sentence is not None],
        "seconds": round(time.monotonic() - start, 1),
    }
    write_results(report, out / "results.json")
    if as_json:
        print_json(report)
    else:
        _print_report(report)
        if short is not None:
            print(short)
    note(
        f"{report['seconds']:.0f} s. Wrote {out / 'results.json'}, {pictures[0]} and "
        f"{len(pictures) - 1} more, and the model. "
        f"{_next_step(out / 'model', encoders.source, encoder)}",
        quiet=quiet,
    )
    if serve:
        from trmml.page import serve as serve_page
        from trmml.training.run.report import trained_on

        serve_page(
            result.model,
            examples=save_examples(data.test, out),
            trained_on=trained_on({**report, "learns_from": "images"}),
        )


def _print_report(report: dict[str, Any]) -> None:
    from trmml.demo.report import HEAD, reasons, table_rows

    console = Console()
    method, *columns = HEAD
    table = Table(method, title="Mean average precision on the test images, labels added (%)")
    for column in columns:
        table.add_column(column.replace("as ", "as\n"), justify="right")
    for row in table_rows(report):
        table.add_row(*row)
    console.print(table)
    console.print(f"Known training labels: {percent(report['known_share'])} %")
    for reason in reasons(report):
        console.print(reason, soft_wrap=True)


def _next_step(folder: Path, source: EncoderSource, encoder: str | None) -> str:
    """Say how to ask the saved model about another picture."""
    file, _, function = (encoder or "").rpartition(":")
    if source.family in FAMILIES:
        command, pair = f"  trmml predict {folder} picture.jpg --top-k 5\nor\n", ""
    else:  # a saved model keeps no code, so it needs its towers again
        command, pair = "", f", encoders={function}()"
    origin = f", with `{function}` of {file}" * bool(pair)
    return (
        f"On a picture of your own{origin}:\n{command}"
        "  from trmml import TRMML\n"
        f"  model = TRMML.from_pretrained({str(folder)!r}{pair})\n"
        '  probabilities = model.predict(model.preprocess("picture.jpg"))'
    )
