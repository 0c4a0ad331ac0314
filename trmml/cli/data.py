"""`trmml data`: check datasets on disk, and write label files for partly labelled training."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Literal

import typer

from trmml.atomic_write import write_atomically
from trmml.cli.messages import note
from trmml.cli.options import AsJson, Images, Overwrite, Quiet, ReadAs
from trmml.cli.outputs import check_new_file, check_output, print_json
from trmml.cli.progress import progress_bar
from trmml.cli.suspects import suspects
from trmml.data import (
    LabelMask,
    ReadingOptions,
    check_splits,
    make_mask,
    mask_of_list,
    official_counts,
    open_split,
    overview_page,
    write_table,
)
from trmml.prediction import merge_review

__all__ = ["data"]

data = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Check datasets on disk, and write which labels stay known.",
)

data.command()(suspects)

_PATH = "Folder of a benchmark or an export, or one's own CSV or JSON table."
_SPLIT = "Which split and order of rows, for example coco2014/train/all; a wrong one lists all."


@data.command()
def check(
    path: Annotated[Path, typer.Argument(help=_PATH)],
    images: Images = None,
    read: ReadAs = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="Read headers only: misses truncated and equal files.")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, help="Threads that read files.")] = 4,
    html: Annotated[
        Path | None,
        typer.Option(help="Page to write: labels of each class, classes together, findings."),
    ] = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Look at every file and every label; exit with 0 if usable, 1 if not, 2 on a wrong call.

    Counts are compared with the official ones, and every missing, truncated or foreign file is
    listed.

    Examples: `trmml data check VOCdevkit/VOC2007`, `trmml data check COCO --fast`, or
    `trmml data check labels.csv --images photos --html labels.html`.
    """
    if html is not None:
        check_output(html, inputs=[path], overwrite=overwrite)
    reading = ReadingOptions.parse(read)
    with ExitStack() as bars:
        advance: Callable[[int], None] | None = None

        def show(done: int, total: int) -> None:
            nonlocal advance
            if advance is None or done == 1:  # another split begins
                bars.close()
                advance = bars.enter_context(progress_bar("Checking files", total, quiet=quiet))
            advance(1)

        reports = check_splits(
            path, images=images, reading=reading, fast=fast, workers=workers, progress=show
        )
    if html is not None:
        write_atomically(html, overview_page(reports, title=path.name))
        note(f"{html}: an overview of the labels", quiet=quiet)
    if as_json:
        print_json([report.as_dict() for report in reports])
    else:
        print("\n".join(map(str, reports)))
    raise typer.Exit(0 if all(report.usable for report in reports) else 1)


@data.command()
def hide(
    path: Annotated[Path, typer.Argument(help=_PATH)],
    keep: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of labels to keep.")],
    out: Annotated[Path, typer.Option(help="Label file to write.")],
    split: Annotated[str | None, typer.Option(help=_SPLIT)] = None,
    protocol: Annotated[
        Literal["hcp", "dualcoop", "rps", "exact", "stratified"],
        typer.Option(help="Whose way of hiding, see `trmml.data.hide_labels`."),
    ] = "hcp",
    seed: Annotated[int, typer.Option(min=0, help="Of the generator.")] = 0,
    images: Images = None,
    read: ReadAs = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Keep a share of the labels, and write which to a small file that describes itself.

    Examples: `trmml data hide COCO --split coco2014/train/all --keep 0.1 --out coco-0.1.mask`, or
    `trmml data hide labels.csv --keep 0.5 --protocol stratified --out half.mask`.
    """
    check_output(out, inputs=[path], overwrite=overwrite)
    name, table = open_split(path, split, images=images, reading=ReadingOptions.parse(read))
    mask = make_mask(table, protocol=protocol, keep=keep, seed=seed)
    _write(mask, name, out, as_json=as_json, quiet=quiet)


@data.command()
def single_positive(
    path: Annotated[Path, typer.Argument(help=_PATH)],
    out: Annotated[Path, typer.Option(help="Label file to write.")],
    split: Annotated[str | None, typer.Option(help=_SPLIT)] = None,
    protocol: Annotated[
        Literal["spml", "splc"],
        typer.Option(help="spml: as SPML and LargeLoss, bit for bit; splc: SPLC's law alone."),
    ] = "spml",
    seed: Annotated[int, typer.Option(min=0, help="Of the generator.")] = 1200,
    published: Annotated[
        Path | None,
        typer.Option(help="Take the labels from this published list instead of drawing them."),
    ] = None,
    images: Images = None,
    read: ReadAs = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Keep one positive label of each image, and write which to a small file.

    Examples: `trmml data single-positive VOCdevkit/VOC2012 --split voc2012/train/by_name --out
    voc.mask`, or `trmml data single-positive COCO --split coco2014/train/annotated --published
    coco_train_singlelabel.txt --out coco.mask`.
    """
    check_output(out, inputs=[path, published], overwrite=overwrite)
    name, table = open_split(path, split, images=images, reading=ReadingOptions.parse(read))
    if published is not None:
        mask = mask_of_list(table, published)
    else:
        mask = make_mask(table, protocol=protocol, seed=seed)
    _write(mask, name, out, as_json=as_json, quiet=quiet)


@data.command()
def merge(
    path: Annotated[Path, typer.Argument(help=_PATH)],
    review: Annotated[
        Path, typer.Argument(help="File of `trmml label`, or of its page, with answers.")
    ],
    out: Annotated[Path, typer.Option(help="CSV table to write.", show_default=False)],
    correct: Annotated[
        bool,
        typer.Option(
            "--correct",
            help="Turn a known label round where its opposite was accepted, as in the file of "
            "`trmml data suspects`; without it, that is refused.",
        ),
    ] = False,
    split: Annotated[str | None, typer.Option(help=_SPLIT)] = None,
    images: Images = None,
    read: ReadAs = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Fill in the labels that a person accepted in a review, into a new table.

    Examples: `trmml data merge labels.csv review.csv --out labels-2.csv`, or
    `trmml data merge labels.csv suspects.csv --correct --out labels-2.csv`.
    """
    check_new_file(out)
    _, table = open_split(path, split, images=images, reading=ReadingOptions.parse(read))
    merged = merge_review(table, review, correct=correct)
    write_table(merged.table, out)
    if as_json:
        counts = {"filled": merged.accepted, "open": merged.open, "corrected": merged.corrected}
        print_json({"file": str(out), **counts}, indent=None)
    else:
        corrected = f", {merged.corrected:,} corrected" if correct else ""
        print(f"{out}: {merged.accepted:,} labels filled in{corrected}")
    if merged.open:
        note(f"{merged.open:,} proposals are left open", quiet=quiet)


def _write(mask: LabelMask, split: str, out: Path, *, as_json: bool, quiet: bool) -> None:
    mask.save(out)
    rows, classes = mask.known.shape
    known = int(mask.known.sum())
    if as_json:
        report = {
            "file": str(out),
            "split": split,
            "rows": rows,
            "classes": classes,
            "protocol": mask.protocol,
            "seed": mask.seed,
            "known": known,
            "share": mask.share,
        }
        print_json(report)
    else:
        seed = "" if mask.seed is None else f", seed {mask.seed}"
        print(
            f"{out}: {split}, {rows:,} rows x {classes} classes, protocol {mask.protocol}{seed}; "
            f"{known:,} labels known ({mask.share:.4%})"
        )
    expected = official_counts(split)
    if expected is not None and expected[:2] != mask.known.shape:
        note(
            f"note: the official {split} has {expected.rows:,} rows and {expected.classes} "
            "classes; a mask of another size is another mask",
            quiet=quiet,
        )
