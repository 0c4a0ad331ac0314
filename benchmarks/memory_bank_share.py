"""Measure which share of a training step the memory bank takes.

    python benchmarks/memory_bank_share.py

times, side by side in one run and in alternation, a training step of TRM-ML (RN101 with random
weights, 80 classes, 448 x 448, a tenth of the labels known) and the bank's update and similarity
within it, and writes `benchmarks/results/memory_bank_share.json`: medians, quartiles, and the
share. `--batch-size` and `--steps` change the size.
"""

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

RESULTS = Path(__file__).parent / "results" / "memory_bank_share.json"
WARM_UP = 2


def seconds(work: Callable[[], object]) -> float:
    """Time one call, waiting for the device."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    start = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def section(measured: dict) -> str:
    """Return the part of the docs page that shows the results."""
    seconds = measured["median_seconds"]
    return (
        "## The memory bank\n\n"
        f"Its update and its similarities take {seconds['bank'] * 1000:.1f} ms of a step of "
        f"{seconds['step']:.2f} s, {measured['share']:.2%}: RN101 with random weights, "
        f"{measured['classes']} classes, batch {measured['batch_size']}, "
        f"{measured['environment']['threads']} threads."
    )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--steps", type=int, default=7)
    parser.add_argument("--image-size", type=int, default=448)
    options = parser.parse_args()

    from trmml import TRMML
    from trmml.data import hide_labels
    from trmml.models import MultimodalPrototypes

    device = "cuda" if torch.cuda.is_available() else "cpu"
    names = [f"class {index}" for index in range(80)]
    model = TRMML.from_open_clip("RN101", class_names=names).to(device).train()
    prototypes = model.prototypes
    if not isinstance(prototypes, MultimodalPrototypes):
        raise TypeError("the default model keeps prototypes")
    generator = torch.Generator().manual_seed(0)
    size = options.image_size
    images = torch.randn(options.batch_size, 3, size, size, generator=generator).to(device)
    # COCO has 2.9 labels per image of 80 classes.
    truth = 2 * (torch.rand(options.batch_size, 80, generator=generator) < 2.9 / 80).long() - 1
    labels = hide_labels(truth, 0.1).to(device)

    def step() -> None:
        model.zero_grad()
        model.loss(model(images), labels).total.backward()

    with torch.no_grad():
        output = model(images)

    def bank() -> None:
        prototypes.bank.update(output.features, output.energy, labels)
        prototypes.bank.similarity(output.region_features)

    times: dict[str, list[float]] = {"step": [], "bank": []}
    for round_ in range(WARM_UP + options.steps):
        for name, work in (("step", step), ("bank", bank)):
            elapsed = seconds(work)
            if round_ >= WARM_UP:
                times[name].append(elapsed)
    medians = {name: statistics.median(values) for name, values in times.items()}
    result = {
        "batch_size": options.batch_size,
        "image_size": size,
        "classes": 80,
        "steps": options.steps,
        "median_seconds": {name: round(value, 6) for name, value in medians.items()},
        "quartiles_seconds": {
            name: [round(q, 6) for q in statistics.quantiles(values, n=4)]
            for name, values in times.items()
        },
        "share": round(medians["bank"] / medians["step"], 5),
        "environment": {
            "torch": torch.__version__,
            "device": torch.cuda.get_device_name() if device == "cuda" else "cpu",
            "threads": torch.get_num_threads(),
            "machine": platform.machine(),
        },
    }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
