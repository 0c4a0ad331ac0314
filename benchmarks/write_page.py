"""Write `docs/benchmarks.md` from the committed results: `python -m benchmarks.write_page`.

With `--measure` all of them are measured first, each in a process of its own; it takes an hour on
two cores, which should have nothing else to do. OpenVINO, which one of them compares, is asked for
by `pip install openvino`.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from benchmarks import (
    coco_reading,
    growth,
    half_precision,
    memory_bank_share,
    runtimes,
    tiny_step,
    training_step,
)
from trmml.atomic_write import write_atomically

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
SOURCES = (
    training_step,
    growth,
    tiny_step,
    runtimes,
    half_precision,
    memory_bank_share,
    coco_reading,
)
HEAD = """# Benchmarks

How fast it is, measured. Each part is written from a file under `benchmarks/results/` by
`python -m benchmarks.write_page`, which measures all of them first with `--measure`; the contract
they were measured by stands at the head of `benchmarks/measuring.py`. Run one alone with
`python -m benchmarks.NAME`. None was run on a GPU yet, where `--device cuda` of the first notes
peak memory, too.
"""


def page() -> str:
    """Return the page as the committed results make it."""
    parts = [source.section(json.loads(source.RESULTS.read_text())) for source in SOURCES]
    return "\n\n".join([HEAD.rstrip(), *parts]) + "\n"


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--measure", action="store_true", help="measure everything first")
    parser.add_argument("--images", help="folder of photographs for `half_precision`")
    parser.add_argument("--labels", help="table of these photographs")
    options = parser.parse_args()
    if options.measure:
        for source in SOURCES:
            command = [sys.executable, "-m", source.__name__]
            if source is half_precision and options.images and options.labels:
                command += ["--images", options.images, "--labels", options.labels]
            subprocess.run(command, check=True)
    write_atomically(PAGE, page())


if __name__ == "__main__":
    main()
