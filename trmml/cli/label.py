"""`trmml label`: labels a model would add, for a person to review."""

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from trmml.cli.messages import note, report_unreadable
from trmml.cli.opening import opened
from trmml.cli.options import (
    AsJson,
    BatchSize,
    Device,
    Dtype,
    Images,
    Labelled,
    Model,
    OwnTask,
    PredictBy,
    Quiet,
    ReadAs,
    RunBy,
    Split,
    Workers,
)
from trmml.cli.outputs import check_new_file, print_json
from trmml.cli.progress import progress_bar
from trmml.cli.promise import Promise, check_share
from trmml.data import ReadingOptions, open_split
from trmml.labels import POSITIVE
from trmml.prediction import (
    ProposalSource,
    ReviewFormat,
    ReviewOrder,
    align_classes,
    calibrated_proposals,
    is_calibrated,
    next_labels,
    order_for_review,
    propose_labels,
    write_review_page,
    write_review_tasks,
)

__all__ = ["label"]


def label(
    model: Model,
    data: Labelled,
    out: Annotated[
        Path | None,
        typer.Option(help="Review file to write; without it, review.csv or review.json."),
    ] = None,
    format: Annotated[
        ReviewFormat,
        typer.Option(help="A CSV table, tasks for Label Studio, or samples for FiftyOne."),
    ] = "csv",
    split: Split = None,
    images: Images = None,
    read: ReadAs = None,
    precision: Annotated[
        float | None,
        typer.Option(
            callback=check_share,
            help="Propose only as long as so many of the labels are right in expectation, such as "
            "0.95; needs --unseen, or a model whose labeler was fitted to labels it never saw.",
        ),
    ] = None,
    absent_precision: Annotated[
        float | None,
        typer.Option(
            callback=check_share,
            help="The same for negative labels alone. Without it, that of --precision.",
        ),
    ] = None,
    unseen: Annotated[
        bool,
        typer.Option(
            "--unseen",
            help="The model was never trained on these labels, so that the known ones tell how "
            "often it is right.",
        ),
    ] = False,
    source: Annotated[
        ProposalSource | None,
        typer.Option(
            help="What decides. Without it, calibrated probabilities where there are any, what "
            "completes labels in training if it was saved with the model, such as prototypes, "
            "otherwise the probability."
        ),
    ] = None,
    min_confidence: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Lowest probability of a proposed label. Without it, 0.9, and no bound by "
            "prototypes or where a precision is promised.",
        ),
    ] = None,
    only: Annotated[
        Literal["positive", "negative"] | None, typer.Option(help="Propose only such labels.")
    ] = None,
    order: Annotated[
        ReviewOrder | None,
        typer.Option(
            help="What comes first: the label whose answer is worth most, or the surest. Without "
            "it, usefulness where probabilities are calibrated, otherwise confidence."
        ),
    ] = None,
    next_: Annotated[
        int | None,
        typer.Option(
            "--next",
            min=1,
            help="Ask about so many unknown labels, those whose answer is worth most, however "
            "unsure the model is of them.",
        ),
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option(
            help="HTML file to write as well, on which a person answers by keyboard: it holds all "
            "it shows, with thumbnails and regions, and saves the answers as a CSV table."
        ),
    ] = None,
    page_items: Annotated[
        int, typer.Option(min=1, max=2000, help="Most labels asked about on the page.")
    ] = 500,
    batch_size: BatchSize = 32,
    workers: Workers = 0,
    device: Device = None,
    dtype: Dtype = "auto",
    runtime: RunBy = "eager",
    task: OwnTask = None,
    prediction: PredictBy = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write the unknown labels that the model would fill.

    The labels themselves stay as they are. Put yes beside what is right in the column accept, then
    `trmml data merge` fills it in. Exit with 1 if some photographs could not be read.

    Examples: `trmml label my-model labels.csv --images photos --out review.csv`,
    `trmml label my-model labels.csv --precision 0.95 --unseen`,
    `trmml label my-model labels.csv --next 100 --page questions.html`, or
    `trmml label my-model labels.csv --only positive --min-confidence 0.8`.
    """
    promise = Promise.of(precision, absent_precision, only=only)
    if unseen and source not in (None, "calibrated"):
        raise typer.BadParameter(f"--unseen calibrates; it goes without --source {source}.")
    if promise and source not in (None, "calibrated"):
        raise typer.BadParameter(
            "a precision can be promised by calibrated probabilities only; leave out --source "
            f"{source}."
        )
    if next_ is not None and any((promise, min_confidence is not None, only, order, source)):
        raise typer.BadParameter(
            "--next asks about what is least sure; it goes without --precision, --min-confidence, "
            "--only, --order and --source."
        )
    out = out or Path("review.csv" if format == "csv" else "review.json")
    if format != "csv" and out.suffix.lower() != ".json":
        raise typer.BadParameter(f"--out must end in .json for {format}, got {out}.")
    check_new_file(out)
    if page is not None:
        check_new_file(page)
        if page.resolve() == out.resolve():
            raise typer.BadParameter("--page and --out must be two files.")
    _, table = open_split(data, split, images=images, reading=ReadingOptions.parse(read))
    labeler = opened(
        model,
        device=device,
        task=task,
        prediction=prediction,
        dtype=dtype,
        runtime=runtime,
        quiet=quiet,
    )
    table = align_classes(table, labeler.class_names).replace(broken="skip")
    calibrated = source == "calibrated" or bool(promise) or unseen
    calibrated = calibrated or (source is None and is_calibrated(labeler))
    calibrated = calibrated and next_ is None
    with progress_bar("Looking", len(table), quiet=quiet) as advance:
        kept = None
        looking: dict[str, Any] = {
            "batch_size": batch_size,
            "num_workers": workers,
            "progress": advance,
        }
        if calibrated:
            kept = calibrated_proposals(
                labeler,
                table,
                unseen=unseen,
                present=promise.present,
                absent=promise.absent,
                min_confidence=min_confidence,
                **looking,
            )
        if next_ is not None:
            found = next_labels(labeler, table, count=next_, unseen=unseen, **looking)
        elif kept:
            found = kept.proposals
        else:
            found = propose_labels(
                labeler, table, source=source, min_confidence=min_confidence, **looking
            )
    if only is not None:
        found = [one for one in found if (one.label == POSITIVE) == (only == "positive")]
    if order is None:
        order = "confidence" if kept is None and next_ is None else "usefulness"
    found = order_for_review(found, table, order=order)
    unreadable = table.broken_files()
    report_unreadable(unreadable, of=len(table))
    write_review_tasks(found, out, table=table, format=format)
    if page is not None:
        with progress_bar(
            "Drawing", len({one.image for one in found[:page_items]}), quiet=quiet
        ) as advance:
            asked = write_review_page(
                found, page, table=table, model=labeler, items=page_items, progress=advance
            )
        note(f"{page} asks about {asked:,} of {len(found):,}; open it in a browser", quiet=quiet)
    kinds = Counter(one.label for one in found)
    said = [f"{out}: {kinds[1]:,} positive and {kinds[-1]:,} negative labels proposed"]
    if kept:
        said = [*kept.report.reasons, *said]
    else:
        note("The probabilities are the model's own; nothing is promised of them.", quiet=quiet)
    if kept and promise:
        said += promise.summary(kinds[1], kinds[-1], left_open=kept.left_open)
    if as_json:
        print_json([asdict(one) for one in found])
        for line in said if kept else []:
            note(line, quiet=quiet)
    else:
        print("\n".join(said))
    csv = format == "csv"
    answer = "Put yes in the column accept" if csv else f"Answer {out} there and export the answers"
    answers = out if csv else "ANSWERS.json"
    note(f"{answer}, then: trmml data merge {data} {answers} --out NEW.csv", quiet=quiet)
    raise typer.Exit(1 if unreadable else 0)
