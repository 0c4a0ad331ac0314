"""`trmml report`: the page of a finished run."""

from pathlib import Path
from typing import Annotated

import typer

from trmml.cli.options import AsJson
from trmml.cli.outputs import print_json
from trmml.training import write_report_page

__all__ = ["report"]


def report(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run of `trmml train`.")],
    as_json: AsJson = False,
) -> None:
    """Write the page of a finished run anew: curves, classes, reliability and labels.

    `trmml train` writes it by itself; this is for runs of earlier versions. Prints the file, which
    opens in any browser, without a network.

    Examples: `trmml report runs/mine`.
    """
    page = str(write_report_page(run))
    if as_json:
        print_json({"file": page}, indent=None)
    else:
        print(page)
