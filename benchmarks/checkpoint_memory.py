"""Measure what memory a checkpoint takes to be saved.

    python benchmarks/checkpoint_memory.py

saves a state of 610 MB, that of a large model with its moments, in a fresh process, and writes
`benchmarks/results/checkpoint_memory.json`: peak memory above that before, in GiB, and seconds of
processor time. Linux.
"""

import json
import os
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

from benchmarks.info_nce_memory import peak

RESULTS = Path(__file__).parent / "results" / "checkpoint_memory.json"
TENSORS, NUMBERS = 61, 2_500_000


def measure(folder: str) -> dict[str, float]:
    """Save a state; return the memory and the time it took."""
    import torch

    from trmml.training import CheckpointStore, RunState

    tensors = {f"weight.{index}": torch.randn(NUMBERS) for index in range(TENSORS)}
    before, start = peak(), time.process_time()
    CheckpointStore(folder).save(RunState(tensors, {"position": [0, 0]}), step=1)
    return {
        "megabytes": TENSORS * NUMBERS * 4 / 1e6,
        "gib": round(peak() - before, 2),
        "seconds": round(time.process_time() - start, 1),
    }


def main() -> None:
    """Run the benchmark."""
    os.environ["MALLOC_MMAP_THRESHOLD_"] = "1000000"  # so that freed memory goes back at once
    with tempfile.TemporaryDirectory() as folder, get_context("spawn").Pool(1) as pool:
        found = pool.apply(measure, (folder,))
    print(found)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
