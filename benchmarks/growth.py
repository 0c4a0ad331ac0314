"""How a training step grows with classes, batch and image side: `python -m benchmarks.growth`.

One of the three changes at a time, from 20 classes, 4 images and 224 pixels, with RN101 and random
weights: a step of `TRMML` in float32 and with bfloat16 towers, the plain step and the one that does
what DualCoOp's public code does (see `training_step.py`). And, with the tiny tower and a full bank,
from 20 to 9,600 classes: a step that looks at all prototypes, one as it is by default, and one that
looks at 200 classes, with the most memory that a fresh process needed for it. Seconds are the
processor's, on one thread, which a neighbour disturbs least.

Writes `benchmarks/results/growth.json` and the picture `docs/assets/growth.png`; a quarter of an
hour of one core. Linux, CPU.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Sequence
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, NamedTuple

import torch
from PIL import Image

from benchmarks.full_bank import fill_bank
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
    "classes": (5, 20, 80),
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
TINY_BATCH: Final = 32
CHUNKED_FROM: Final = 2_000
CHUNK: Final = 1_000


class Form(NamedTuple):
    """How a step copes with many classes.

    Attributes:
        title: What it is called.
        most: Most classes to try it with.
        contrastive_sample: Of the model.
        class_sample: Of the recipe.
    """

    title: str
    most: int = MANY[-1]
    contrastive_sample: int | None = 10_000
    class_sample: int | None = None


FORMS: Final = {
    "exact": Form("all prototypes", most=2_000, contrastive_sample=None),
    "default": Form("by default, 10,000 prototypes"),
    "sampled": Form("200 classes", class_sample=200),
}


def axis(name: str, rounds: int) -> dict[str, Any]:
    """Change one size and measure every step at each."""
    found = [steps(**(BASE | {name: size}), rounds=rounds) for size in AXES[name]]
    return {
        "sizes": list(AXES[name]),
        "seconds": {step: [seconds[step] for seconds in found] for step in STEPS},
    }


@cache
def steps(classes: int, batch_size: int, image_size: int, *, rounds: int) -> dict[str, float]:
    """Measure every step of one size, in alternation."""
    print(f"{classes} classes, {batch_size} images, {image_size} pixels", flush=True)
    pieces = works("cpu", batch_size, image_size, num_classes=classes, only=tuple(STEPS))
    times = alternate(pieces, device="cpu", warm_up=1, rounds=rounds).processor
    return {step: quartiles(times[step])[1] for step in STEPS}


def tiny_step(classes: int, name: str) -> dict[str, float]:
    """Take some steps with the tiny tower; return the middle time of one, and the memory."""
    from trmml.data import hide_labels
    from trmml.encoders import load_tiny
    from trmml.models import TRMML, Batch, TRMMLConfig, TRMMLTask, sample_classes

    before, form = peak(), FORMS[name]
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    model = TRMML(
        load_tiny(),
        [f"thing {index}" for index in range(classes)],
        config=TRMMLConfig(
            contrastive_sample=form.contrastive_sample,
            text_chunk_size=CHUNK if classes > CHUNKED_FROM else None,
        ),
        image_size=64,
    )
    task = TRMMLTask(model).train()
    fill_bank(model, generator)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    images = torch.randn(TINY_BATCH, 3, 64, 64, generator=generator)
    truth = 2 * (torch.rand(TINY_BATCH, classes, generator=generator) < 3 / classes).long() - 1
    labels, times = hide_labels(truth, 0.1), []
    for _ in range(6 if classes <= MANY[2] else 2):  # the first of them warms up
        start, drawn = time.process_time(), None
        if form.class_sample is not None:
            drawn = sample_classes(labels, form.class_sample, generator=generator)
        optimizer.zero_grad()
        task(Batch(images, labels, classes=drawn))["total"].backward()
        optimizer.step()
        times.append(time.process_time() - start)
    seconds = statistics.median(times[1:])
    return {"seconds": round(seconds, 3), "gib": round(peak() - before, 2)}


def many_classes() -> dict[str, list[dict[str, float]]]:
    """Take steps with more and more classes, each in a fresh process."""
    # Freed memory goes back at once, so that the peak is what was in use at one time.
    os.environ["MALLOC_MMAP_THRESHOLD_"] = "1000000"
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in FORMS}
    for name, form in FORMS.items():
        for classes in (number for number in MANY if number <= form.most):
            with get_context("spawn").Pool(1) as pool:
                found = pool.apply(tiny_step, (classes, name))
            rows[name].append({"classes": classes, **found})
            print(name, rows[name][-1], flush=True)
    return rows


def draw(measured: dict[str, Any]) -> Image.Image:
    """Draw the four sets of curves side by side, each axis by powers."""
    figure = new_figure(10.5, 7.2)
    for number, (name, found) in enumerate(measured["axes"].items(), start=1):
        axes = figure.add_subplot(2, 2, number)
        for step, title in STEPS.items():
            axes.loglog(found["sizes"], found["seconds"][step], marker="o", label=title)
        axes.set_xticks(found["sizes"], [str(size) for size in found["sizes"]])
        axes.set_xlabel(f"{TITLES[name]}, RN101")
    axes = figure.add_subplot(2, 2, len(AXES) + 1)
    for name, form in FORMS.items():
        rows = measured["many"][name]
        sizes, seconds = ([row[key] for row in rows] for key in ("classes", "seconds"))
        axes.loglog(sizes, seconds, marker="o", label=form.title)
    axes.set_xticks(MANY, [f"{size:,}" for size in MANY])
    axes.set_xlabel("classes, tiny tower")
    for axes in figure.axes:
        axes.minorticks_off()
        axes.grid(alpha=0.3)
        axes.set_ylabel("processor seconds of a step")
        if axes in (figure.axes[0], figure.axes[-1]):
            axes.legend(frameon=False)
    return as_picture(figure)


def section(measured: dict[str, Any]) -> str:
    """Write the part of the page."""
    base, many = measured["base"], measured["many"]
    by_form = [{row["classes"]: row for row in many[name]} for name in FORMS]
    rows = [
        [
            f"{classes:,}",
            *(
                f"{rows[classes]['seconds']:.2f} s, {rows[classes]['gib']:.2f} GiB"
                if classes in rows
                else "–"
                for rows in by_form
            ),
        ]
        for classes in MANY
    ]
    return "\n\n".join(
        [
            "## How a step grows",
            "Processor seconds of a training step with RN101 and random weights, from "
            f"{base['classes']} classes, {base['batch_size']} images and {base['image_size']} "
            "pixels, one of them changed at a time; and with the tiny tower, up to "
            f"{MANY[-1]:,} classes (`python -m benchmarks.growth`).",
            "![Curves of seconds a step over classes, batch and side](assets/growth.png)",
            f"With the tiny tower, {TINY_BATCH} images of 64 pixels, a tenth of the labels and a "
            "full bank: a step whose contrastive loss sees all prototypes, which grows with the "
            "square of the classes; one as it is by default, where it draws 10,000 "
            "(`model.contrastive_sample`) and the two prompts of each class are what takes the "
            "time; and one that looks at 200 classes (`recipe.class_sample`). Above "
            f"{CHUNKED_FROM:,} classes {CHUNK:,} prompts are encoded at a time "
            "(`model.text_chunk_size`). Memory is what a fresh process needed beyond its imports, "
            "with towers, bank and optimiser.",
            markdown_table(["classes", *(form.title for form in FORMS.values())], rows),
            place(measured["environment"]),
        ]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write the results and the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
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
