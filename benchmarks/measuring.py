"""What every benchmark of speed does alike: warm up, alternate, take medians, say where.

The contract, for all results under `benchmarks/results/` that hold seconds:

- everything compared is timed in one run, by the clock and by the processor, in alternation, after
  warm-up rounds that do not count; every other round goes backwards, so that nothing always
  follows the same work;
- reported are medians and quartiles, and ratios as the median of the rounds' own ratios, so that
  a load that comes and goes falls on both sides;
- the device is waited for before each reading of the clock;
- the processor, its instructions for low precision, threads, versions and load are recorded;
- the JSON is committed, and `docs/benchmarks.md` is written from it by `write_page.py`, wins and
  losses alike.
"""

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

__all__ = ["Seconds", "Times", "alternate", "environment", "place", "quartiles", "ratio"]

Seconds = dict[str, list[float]]


class Times(NamedTuple):
    """Seconds of each round, by the name of the work.

    Attributes:
        wall: By the clock.
        processor: Of all threads together, which other programs do not lengthen by waiting.
    """

    wall: Seconds
    processor: Seconds


def alternate(
    works: Mapping[str, Callable[[], object]], *, device: str, warm_up: int, rounds: int
) -> Times:
    """Time each piece of work once per round, in alternation, and leave warm-up rounds out."""
    times = Times({name: [] for name in works}, {name: [] for name in works})
    for round_ in range(warm_up + rounds):
        for name, work in list(works.items())[:: -1 if round_ % 2 else 1]:
            _wait(device)
            start, busy = time.perf_counter(), time.process_time()
            work()
            _wait(device)
            elapsed, busy = time.perf_counter() - start, time.process_time() - busy
            print(f"round {round_ - warm_up + 1:2d}  {name:20s} {elapsed:8.3f} s", flush=True)
            if round_ >= warm_up:
                times.wall[name].append(elapsed)
                times.processor[name].append(busy)
    return times


def quartiles(values: list[float]) -> list[float]:
    """Return lower quartile, median and upper quartile."""
    return [round(q, 5) for q in statistics.quantiles(values, n=4, method="inclusive")]


def ratio(times: Seconds, above: list[str], below: list[str]) -> list[float]:
    """Return the quartiles, over the rounds, of one sum of times over another."""
    rounds = range(len(times[above[0]]))
    return quartiles(
        [
            sum(times[name][i] for name in above) / sum(times[name][i] for name in below)
            for i in rounds
        ]
    )


def environment(device: str) -> dict[str, object]:
    """Describe where the times were taken."""
    found: dict[str, object] = {
        "device": torch.cuda.get_device_name() if device == "cuda" else "cpu",
        "processor": _processor().get("model name", platform.processor()),
        "instructions": [
            name
            for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
            if name in _processor().get("flags", "").split()
        ],
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "matmul_precision": torch.get_float32_matmul_precision(),
    }
    if hasattr(os, "getloadavg"):
        found["load_average"] = [round(load, 2) for load in os.getloadavg()]
    return found


def place(where: Mapping[str, Any]) -> str:
    """Write what `environment` returned as one line of Markdown."""
    return (
        f"*{where['processor']} ({', '.join(where['instructions'])}), {where['threads']} threads "
        f"of {where['cores']} cores, device {where['device']}, torch {where['torch']}, "
        f"load average {where.get('load_average')}.*"
    )


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def _processor() -> dict[str, str]:
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return {}
    lines = path.read_text().split("\n\n")[0].splitlines()
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
