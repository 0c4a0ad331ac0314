"""Measure what memory the contrastive loss takes with thousands of categories.

    python benchmarks/info_nce_memory.py

runs `multimodal_info_nce` forwards and backwards with more and more categories, a batch of 8 with
five positives in all, 8 filled slots per category and 64 dimensions, each time in a fresh process:
in blocks, as the library does, and with all scores at once, up to where that takes too much. Writes
`benchmarks/results/info_nce_memory.json`: peak memory above that before the call, and seconds of
processor time. Linux, CPU, one thread.
"""

import json
import os
import platform
import time
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

RESULTS = Path(__file__).parent / "results" / "info_nce_memory.json"
BATCH, CAPACITY, DIM = 8, 8, 64
BLOCKED, AT_ONCE = (1200, 2400, 4800, 9600), (1200, 2400, 4800)


def peak() -> float:
    """Return the most memory that this process has held, in GiB, and none that its parent had."""
    (line,) = (
        line
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmHWM:")
    )
    return int(line.split()[1]) / 2**20


def measure(classes: int, at_once: bool) -> dict[str, float]:
    """Run the loss once; return the memory and the time it took."""
    import torch

    info_nce = import_module("trmml.functional.multimodal_info_nce")  # the file, not the function

    torch.set_num_threads(1)
    if at_once:
        info_nce.SCORES_AT_ONCE = classes**2 * (BATCH + CAPACITY)  # pyright: ignore
    generator = torch.Generator().manual_seed(0)
    text = torch.randn(classes, DIM, generator=generator, requires_grad=True)
    regions = torch.randn(BATCH, classes, DIM, generator=generator, requires_grad=True)
    prototypes = torch.randn(classes, CAPACITY, DIM, generator=generator)
    labels = (torch.rand(BATCH, classes, generator=generator) < 5 / (BATCH * classes)).long()
    counts = torch.full((classes,), CAPACITY)
    before, start = peak(), time.process_time()
    info_nce.multimodal_info_nce(regions, text, labels, prototypes, counts).backward()
    return {
        "gib": round(peak() - before, 2),
        "seconds": round(time.process_time() - start, 1),
    }


def main() -> None:
    """Run the benchmark."""
    # Freed memory goes back at once, so that the peak is what was in use at one time.
    os.environ["MALLOC_MMAP_THRESHOLD_"] = "1000000"
    rows = []
    for at_once, sizes in ((False, BLOCKED), (True, AT_ONCE)):
        for classes in sizes:
            with get_context("spawn").Pool(1) as pool:
                found = pool.apply(measure, (classes, at_once))
            rows.append({"classes": classes, "at_once": at_once, **found})
            print(rows[-1])
    settings = {"batch": BATCH, "capacity": CAPACITY, "dim": DIM, "machine": platform.machine()}
    RESULTS.write_text(json.dumps({**settings, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
