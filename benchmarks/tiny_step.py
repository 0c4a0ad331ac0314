"""Where the time of a small training step goes, and what compiling it gains.

    python -m benchmarks.tiny_step

times a step of `TRMML` with the tiny tower much as `trmml demo` takes it (stored features of 64
images of 256 pixels, 30 classes, a tenth of the labels), compiled, without its contrastive loss,
and the tower of texts by itself, in alternation on one thread, which a neighbour disturbs least.
Writes `benchmarks/results/tiny_step.json`.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import torch

from benchmarks.full_bank import fill_bank
from benchmarks.measuring import alternate, environment, place, quartiles, ratio
from trmml.atomic_write import write_atomically
from trmml.markdown_table import markdown_table

RESULTS: Final = Path(__file__).parent / "results" / "tiny_step.json"
CLASSES: Final = 30
BATCH: Final = 64
SIDE: Final = 256
ROWS: Final = {
    "step": "step",
    "compiled": "step, `recipe.compile`",
    "no_contrast": "step without the contrastive loss",
    "text": "text tower alone: forward and backward",
}


def works() -> dict[str, Callable[[], object]]:
    """Return the pieces of work, by name."""
    from trmml.data import hide_labels
    from trmml.encoders import load_tiny
    from trmml.models import TRMML, Batch, TRMMLConfig, TRMMLTask

    generator = torch.Generator().manual_seed(0)
    names = [f"thing {index}" for index in range(CLASSES)]
    pair = load_tiny()
    images = torch.randn(BATCH, 3, SIDE, SIDE, generator=generator)
    features, grid = pair.image.encode_dense(images)
    truth = 2 * (torch.rand(BATCH, CLASSES, generator=generator) < 3 / CLASSES).long() - 1
    batch = Batch(features, hide_labels(truth, 0.1), grid, rows=torch.arange(BATCH))

    def task_of(*, contrastive: bool = True) -> TRMMLTask:
        config = TRMMLConfig(contrastive=contrastive)
        model = TRMML(pair, names, config=config, image_size=SIDE)
        task = TRMMLTask(model).train()
        task.begin_training(batch.labels)
        fill_bank(model, generator)
        return task

    def step_of(task: TRMMLTask) -> Callable[[], None]:
        optimizer = torch.optim.AdamW(task.parameters(), lr=1e-4)

        def step() -> None:
            optimizer.zero_grad()
            task(batch)["total"].backward()
            optimizer.step()

        return step

    single, compiled = task_of(), task_of()
    compiled.compile()
    prompts = single.model.prompts

    def text() -> None:
        prompts.zero_grad()
        torch.stack([*prompts()]).sum().backward()

    return {
        "step": step_of(single),
        "compiled": step_of(compiled),
        "no_contrast": step_of(task_of(contrastive=False)),
        "text": text,
    }


def section(measured: dict[str, Any]) -> str:
    """Write the part of the page."""
    rows = [
        [title, f"{1000 * measured['seconds'][name][1]:.0f}", f"{measured['share'][name][1]:.2f}"]
        for name, title in ROWS.items()
    ]
    return "\n\n".join(
        [
            "## A small step",
            f"The tiny tower, stored features of {BATCH} images of {SIDE} pixels, {CLASSES} "
            "classes, a full bank, one thread: processor milliseconds, and as a share of the step "
            "(`python -m benchmarks.tiny_step`). The prompts learn through the tower of texts: its "
            "forward and backward pass is what a step cannot do without. Compiling took "
            f"{measured['compile_seconds']:.0f} seconds, once.",
            markdown_table(["", "ms", "of the step"], rows),
            place(measured["environment"]),
        ]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    pieces = works()
    start = time.process_time()
    pieces["compiled"]()
    compile_seconds = round(time.process_time() - start, 1)
    times = alternate(pieces, device="cpu", warm_up=3, rounds=options.rounds).processor
    measured = {
        "seconds": {name: quartiles(values) for name, values in times.items()},
        "share": {name: ratio(times, [name], ["step"]) for name in pieces},
        "compile_seconds": compile_seconds,
        "environment": environment("cpu"),
    }
    write_atomically(RESULTS, json.dumps(measured, indent=1) + "\n")
    print(section(measured))


if __name__ == "__main__":
    main()
