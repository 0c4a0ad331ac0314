"""`trmml label`: labels a model would add, for a person to review."""

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from trmml.cli.messages import note, report_unreadable
from trmml.cli.opening import opened
from trmml.cli.options import (
    AsJson,
    BatchSize,
    Device,
    Images,
    Labelled,
    Model,
    OwnTask,
    Quiet,
    ReadAs,
    Split,
    Workers,
)
from trmml.cli.outputs import print_json
from trmml.cli.progress import progress_bar
from trmml.cli.standard_streams import check_new_file
from trmml.data import ReadingOptions, open_split
from trmml.labels import POSITIVE
from trmml.prediction import ProposalSource, align_classes, propose_labels, write_review

__all__ = ["label"]


def label(
    model: Model,
    data: Labelled,
    out: Annotated[Path, typer.Option(help="Review file to write, a CSV table.")] = Path(
        "review.csv"
    ),
    split: Split = None,
    images: Images = None,
    read: ReadAs = None,
    source: Annotated[
        ProposalSource | None,
        typer.Option(
            help="What decides. Without it, what completes labels in training if it was saved with "
            "the model, such as prototypes, otherwise the probability."
        ),
    ] = None,
    min_confidence: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Lowest probability of a proposed label. Without it, 0.9 by probability and no "
            "bound by prototypes.",
        ),
    ] = None,
    only: Annotated[
        Literal["positive", "negative"] | None, typer.Option(help="Propose only such labels.")
    ] = None,
    batch_size: BatchSize = 32,
    workers: Workers = 0,
    device: Device = None,
    task: OwnTask = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write the unknown labels that the model would fill, the most confident first.

    The labels themselves stay as they are. Put yes beside what is right in the column accept, then
    `trmml data merge` fills it in. Exit with 1 if some photographs could not be read.

    Examples: `trmml label my-model labels.csv --images photos --out review.csv`, or
    `trmml label my-model labels.csv --only positive --min-confidence 0.8`.
    """
    check_new_file(out)
    _, table = open_split(data, split, images=images, reading=ReadingOptions.parse(read))
    labeler = opened(model, device=device, task=task)
    table = align_classes(table, labeler.class_names).replace(broken="skip")
    with progress_bar("Looking", len(table), quiet=quiet) as advance:
        found = propose_labels(
            labeler,
            table,
            source=source,
            min_confidence=min_confidence,
            batch_size=batch_size,
            num_workers=workers,
            progress=advance,
        )
    if only is not None:
        found = [one for one in found if (one.label == POSITIVE) == (only == "positive")]
    unreadable = table.broken_files()
    report_unreadable(unreadable, of=len(table))
    write_review(found, out)
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        kinds = Counter(one.label for one in found)
        print(f"{out}: {kinds[1]:,} positive and {kinds[-1]:,} negative labels proposed")
    note(
        f"Put yes in the column accept, then: trmml data merge {data} {out} --out NEW.csv",
        quiet=quiet,
    )
    raise typer.Exit(1 if unreadable else 0)
