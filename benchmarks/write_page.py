"""Write `docs/benchmarks.md` from the committed results: `python -m benchmarks.write_page`."""

import json
from pathlib import Path

from benchmarks import coco_reading, memory_bank_share, training_step

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
SOURCES = (training_step, memory_bank_share, coco_reading)
HEAD = """# Benchmarks

How fast it is, measured. Each part is written from a file under `benchmarks/results/` by
`python -m benchmarks.write_page`; the contract they were measured by stands at the head of
`benchmarks/measuring.py`. Run one again with `python -m benchmarks.NAME`. None was run on a GPU
yet, where `--device cuda` of the first notes peak memory, too.
"""


def page() -> str:
    """Return the page as the committed results make it."""
    parts = [source.section(json.loads(source.RESULTS.read_text())) for source in SOURCES]
    return "\n\n".join([HEAD.rstrip(), *parts]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
