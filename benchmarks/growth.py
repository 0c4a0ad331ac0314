"""How a training step grows with classes, batch and image side: `python -m benchmarks.growth`.

One of the three changes at a time, from 20 classes, 4 images and 224 pixels, with RN101 and random
weights: a step of `TRMML` in float32 and with bfloat16 towers, the plain step and the one that does
what DualCoOp's public code does (see `training_step.py`). And, with the tiny tower, from 20 to
9,600 classes: a step as it is by default, and one that looks at 200 classes, with the most memory
that a fresh process needed for it. Seconds are the processor's, of all threads.

Writes `benchmarks/results/growth.json` and the picture `docs/assets/growth.png`. Linux, CPU.
"""

import argparse
import json
import time
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import torch
from PIL import Image

from benchmarks.info_nce_memory import peak
from benchmarks.measuring import alternate, environment, place, quartiles
from benchmarks.training_step import works
from trmml.atomic_write import write_atomically
from trmml.markdown_table import markdown_table
from trmml.training.run.figures import as_picture, new_figure

RESULTS: Final = Path(__file__).parent / "results" / "growth.json"
PICTURE: Final = Path(__file__).parents[1] / "docs" / "assets" / "growth.png"
BASE: Final = {"classes": 20, "batch_size": 4, "image_size": 224}
AXES: Final = {
    "classes": (20, 80, 320),
    "batch_size": (1, 4, 16),
    "image_size": (224, 448, 672),
}
TITLES: Final = {
    "classes": "classes",
    "batch_size": "images in a batch",
    "image_size": "side in pixels",
}
STEPS: Final = {
    "public": "as DualCoOp's public code",
    "plain": "plain",
    "float32": "TRMML",
    "bfloat16": "TRMML, bfloat16 towers",
}
MANY: Final = (20, 80, 500, 2_000, 9_600)
SAMPLED: Final = 200
TINY_BATCH: Final = 32


def axis(name: str, rounds: int) -> dict[str, Any]:
    """Change one size and measure every step at each, in alternation."""
    found: dict[str, list[float]] = {step: [] for step in STEPS}
    for size in AXES[name]:
        sizes = BASE | {name: size}
        pieces = works(
            "cpu",
            sizes["batch_size"],
            sizes["image_size"],
            num_classes=sizes["classes"],
            only=tuple(STEPS),
        )
        print(f"{name} {size}", flush=True)
        times = alternate(pieces, device="cpu", warm_up=1, rounds=rounds).processor
        for step in STEPS:
            found[step].append(quartiles(times[step])[1])
    return {"sizes": list(AXES[name]), "seconds": found}


def tiny_step(classes: int, sampled: int | None) -> dict[str, float]:
    """Take two steps with the tiny tower; return the time of the second, and the memory."""
    from trmml.data import hide_labels
    from trmml.encoders import load_tiny
    from trmml.models import TRMML, Batch, TRMMLTask, sample_classes

    before = peak()
    generator = torch.Generator().manual_seed(0)
    model = TRMML(load_tiny(), [f"thing {index}" for index in range(classes)], image_size=64)
    task = TRMMLTask(model).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    images = torch.randn(TINY_BATCH, 3, 64, 64, generator=generator)
    truth = 2 * (torch.rand(TINY_BATCH, classes, generator=generator) < 3 / classes).long() - 1
    labels = hide_labels(truth, 0.1)
    seconds = 0.0
    for _ in range(2):
        start = time.process_time()
        drawn = None if sampled is None else sample_classes(labels, sampled, generator=generator)
        optimizer.zero_grad()
        task(Batch(images, labels, classes=drawn))["total"].backward()
        optimizer.step()
        seconds = time.process_time() - start
    return {"seconds": round(seconds, 3), "gib": round(peak() - before, 2)}


def many_classes() -> list[dict[str, Any]]:
    """Take steps with more and more classes, each in a fresh process."""
    rows = []
    for sampled in (None, SAMPLED):
        for classes in (number for number in MANY if number > (sampled or 0)):
            with get_context("spawn").Pool(1) as pool:
                found = pool.apply(tiny_step, (classes, sampled))
            rows.append({"classes": classes, "sampled": sampled, **found})
            print(rows[-1], flush=True)
    return rows


def draw(measured: dict[str, Any]) -> Image.Image:
    """Draw the three curves side by side, each axis by powers."""
    figure = new_figure(10.5, 3.6)
    for number, (name, found) in enumerate(measured["axes"].items(), start=1):
        axes = figure.add_subplot(1, len(AXES), number)
        for step, title in STEPS.items():
            axes.loglog(found["sizes"], found["seconds"][step], marker="o", label=title)
        axes.set_xticks(found["sizes"], [str(size) for size in found["sizes"]])
        axes.minorticks_off()
        axes.set_xlabel(TITLES[name])
        axes.grid(alpha=0.3)
        if number == 1:
            axes.set_ylabel("processor seconds of a step")
            axes.legend(frameon=False)
    return as_picture(figure)


def section(measured: dict[str, Any]) -> str:
    """Write the part of the page."""
    base = measured["base"]
    rows = [
        [
            "all" if row["sampled"] is None else str(row["sampled"]),
            f"{row['classes']:,}",
            f"{row['seconds']:.2f}",
            f"{row['gib']:.2f}",
        ]
        for row in measured["many"]
    ]
    return "\n\n".join(
        [
            "## How a step grows",
            "Processor seconds of a training step with RN101 and random weights, from "
            f"{base['classes']} classes, {base['batch_size']} images and {base['image_size']} "
            "pixels, one of them changed at a time (`python -m benchmarks.growth`).",
            "![Three curves of seconds a step over classes, batch and side](assets/growth.png)",
            f"With the tiny tower, {TINY_BATCH} images of 64 pixels and a tenth of the labels: a "
            "step as it is by default, where the contrastive loss draws its prototypes, and one "
            f"that looks at {SAMPLED} classes (`recipe.class_sample`). Encoding two prompts for "
            "each class is what grows in the first; memory is what a fresh process needed "
            "for two steps beyond its imports.",
            markdown_table(["classes in a step", "classes", "seconds", "GiB"], rows),
            place(measured["environment"]),
        ]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write the results and the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    measured = {
        "base": BASE,
        "axes": {name: axis(name, options.rounds) for name in AXES},
        "many": many_classes(),
        "environment": environment("cpu"),
    }
    write_atomically(RESULTS, json.dumps(measured, indent=1) + "\n")
    draw(measured).save(PICTURE)
    print(section(measured))


if __name__ == "__main__":
    main()
