"""Measure which share of a training step the memory bank takes.

    python -m benchmarks.memory_bank_share

times, side by side in one run and in alternation, a training step of TRM-ML (RN101 with random
weights, 80 classes, 448 x 448, a tenth of the labels known) and the bank's update and similarity
within it, and writes `benchmarks/results/memory_bank_share.json`: medians, quartiles, and the
share. `--batch-size` and `--steps` change the size.
"""

import argparse
import json
from pathlib import Path

import torch

from benchmarks.measuring import alternate, environment, quartiles

RESULTS = Path(__file__).parent / "results" / "memory_bank_share.json"
WARM_UP = 2


def section(measured: dict) -> str:
    """Return the part of the docs page that shows the results."""
    (_, bank, _), (_, step, _) = (measured["seconds"][name] for name in ("bank", "step"))
    return (
        "## The memory bank\n\n"
        f"Its update and its similarities take {bank * 1000:.1f} ms of a step of "
        f"{step:.2f} s, {measured['share']:.2%}: RN101 with random weights, "
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
    regions = output.region_features
    assert regions is not None

    def bank() -> None:
        prototypes.bank.update(output.features, output.energy, labels)
        prototypes.bank.similarity(regions)

    times = alternate(
        {"step": step, "bank": bank}, device=device, warm_up=WARM_UP, rounds=options.steps
    ).wall
    taken = {name: quartiles(values) for name, values in times.items()}
    result = {
        "batch_size": options.batch_size,
        "image_size": size,
        "classes": 80,
        "steps": options.steps,
        "seconds": taken,
        "share": round(taken["bank"][1] / taken["step"][1], 5),
        "environment": environment(device),
    }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
