"""`trmml methods`: what can be trained, and what is known of it before."""

from dataclasses import asdict
from typing import Annotated

import typer

from trmml.cli.columns import in_columns
from trmml.cli.options import AsJson
from trmml.cli.outputs import print_json, speak_utf8
from trmml.encoders import load_tiny
from trmml.models import METHODS, method_facts

__all__ = ["methods"]

MOST_CLASSES = 10_000


def methods(
    num_classes: Annotated[
        int, typer.Option(min=1, max=MOST_CLASSES, help="Classes that parameters are counted for.")
    ] = 80,
    as_json: AsJson = False,
) -> None:
    """List the methods: name, paper, what learns, how many parameters those are, regions or none.

    Parameters are counted on the tiny towers, of width 128; on wider ones there are more.

    Examples: `trmml methods`, `trmml methods --num-classes 20`, or `trmml methods --json`.
    """
    encoders = load_tiny()
    found = [
        method_facts(task, encoders=encoders, num_classes=num_classes) for task in METHODS.values()
    ]
    if as_json:
        print_json([asdict(one) for one in found])
        return
    head = ("method", "year", "what learns", "parameters", "regions", "paper")
    rows = [
        (
            one.method,
            str(one.year or "-"),
            one.learns,
            f"{one.parameters:,}",
            "yes" if one.shows_regions else "no",
            f"{one.title}, {one.paper}" if one.paper else "-",
        )
        for one in found
    ]
    speak_utf8()
    print(in_columns(head, rows))
