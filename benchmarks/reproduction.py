"""What it takes to make each number of the paper's tables again: commands, and hours on one GPU.

    python -m benchmarks.reproduction --images DIR
    python -m benchmarks.reproduction

counts the operations of a step for the towers of the shipped configurations and, given photographs
of MS-COCO's size, measures how many a core reads and crops in a second; both are kept in
`benchmarks/results/reproduction.json`. Without photographs it only writes the tables anew, to
`reproduction.md` beside it, which the docs show.

Hours are of the operations of matrix products and convolutions alone, at two fifths of what an
H100 is specified for in bfloat16 without sparsity, 989 x 10^12 a second (NVIDIA's data sheet); and,
apart from that, of the reading of images, which other cores do at the same time. No GPU was at
hand: neither figure was ever seen on a clock.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.measuring import environment
from trmml.atomic_write import write_atomically
from trmml.data import decode_image, official_counts
from trmml.data.class_names import COCO_NAMES
from trmml.data.transforms import build_transform
from trmml.markdown_table import markdown_table
from trmml.training import RunConfig, list_run_configs, load_run_config

RESULTS: Final = Path(__file__).parent / "results" / "reproduction.json"
TOWERS: Final = ("RN101", "RN50")
SIDE: Final = 448
ENCODING_TEXT: Final = {"trmml", "dualcoop", "dualcoop++", "positivecoop", "coop", "scpnet"}
CLASSES: Final = len(COCO_NAMES)
PEAK: Final = 989e12
REACHED: Final = 0.4
READING_CORES: Final = 16
FOLDERS: Final = {
    "coco2014": "COCO",
    "voc2007": "VOCdevkit/VOC2007",
    "voc2012": "VOCdevkit/VOC2012",
    "vg200": "VG",
    "nus-wide-spml": "NUS-SPML",
    "nus-wide-asl": "NUS-ASL",
    "cub": "CUB_200_2011",
}
TABLES: Final = ("1", "2", "3", "4", "6")

Counted = dict[str, Any]


def count(tower: str) -> dict[str, float]:
    """Count the operations of an image's way forward, and of both ways of a class's prompts."""
    from trmml import TRMML

    model = TRMML.from_open_clip(tower, class_names=COCO_NAMES, pretrained=None)
    with torch.no_grad(), FlopCounterMode(display=False) as image:
        model.image_encoder.encode_dense(torch.zeros(1, 3, SIDE, SIDE))
    with FlopCounterMode(display=False) as text:
        torch.stack([part.sum() for part in model.train().prompts()]).sum().backward()
    return {
        "image": float(image.get_total_flops()),
        "class": float(text.get_total_flops()) / CLASSES,
    }


def reading_rate(folder: Path) -> float:
    """Return how many photographs a core reads, crops and normalises in a second."""
    paths = sorted(folder.rglob("*.jpg"))
    prepare = build_transform("tai-dpt", train=True, mean=None, std=None)
    started = time.process_time()
    for path in paths:
        prepare(decode_image(path, min_side=SIDE))
    return len(paths) / (time.process_time() - started)


def hours(run: RunConfig, counted: Counted) -> tuple[float, float] | None:
    """Return hours of arithmetic, and of reading by `READING_CORES` cores; None of unknown data.

    Each epoch trains on the training images but those set aside and looks at these; the test images
    are looked at once.
    """
    data, recipe, tower = run.data, run.recipe, counted["operations"].get(run.encoder.name)
    train, test = official_counts(data.train_split or ""), official_counts(data.test_split or "")
    if train is None or test is None or tower is None:
        return None
    looked_at = recipe.epochs * train.rows + test.rows
    steps = recipe.epochs * round(train.rows * (1 - data.validation_share)) // recipe.batch_size
    operations = looked_at * tower["image"]
    if run.model.method in ENCODING_TEXT:
        operations += steps * train.classes * tower["class"]
    reading = looked_at / (READING_CORES * counted["images_per_second"])
    return operations / (REACHED * PEAK) / 3600, reading / 3600


def folder_of(run: RunConfig) -> str:
    """Return the folder that a run's data lie in, as `docs/how-to/getting_the_data.md` names it."""
    split = run.data.train_split or ""
    return FOLDERS[split.split("/")[0]]


def table(number: str, counted: Counted) -> str:
    """Write a row for each configuration of one of the paper's tables."""
    rows = []
    for name, description in list_run_configs().items():
        if not name.startswith(f"table{number}/"):
            continue
        config = load_run_config(name)
        runs = list(config.runs)
        cost = [found for run in runs if (found := hours(run, counted)) is not None]
        arithmetic, reading = (sum(part) for part in zip(*cost, strict=True)) if cost else (0, 0)
        rows.append(
            [
                f"`trmml train {name} --data {folder_of(runs[0])}`",
                description.partition("Paper: ")[2].rstrip("."),
                str(len(runs)),
                f"{arithmetic:.2f}" if cost else "",
                f"{reading:.2f}" if cost else "",
            ]
        )
    titles = ["command", "paper, mAP (%)", "runs", "hours of arithmetic", "hours of reading"]
    return markdown_table(titles, rows)


def text(counted: Counted) -> str:
    """Write all tables."""
    parts = [f"### Table {number}\n\n{table(number, counted)}" for number in TABLES]
    return "\n\n".join(parts) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Count and measure where there are photographs, and write the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=Path, help="folder of photographs of MS-COCO's size")
    options = parser.parse_args(arguments)
    if options.images is not None:
        counted = {
            "operations": {tower: count(tower) for tower in TOWERS},
            "images_per_second": round(reading_rate(options.images), 1),
            "environment": environment("cpu"),
        }
        write_atomically(RESULTS, json.dumps(counted, indent=1) + "\n")
    counted = json.loads(RESULTS.read_text())
    write_atomically(RESULTS.with_suffix(".md"), text(counted))
    print(text(counted))


if __name__ == "__main__":
    main()
