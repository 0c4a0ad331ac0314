"""What bfloat16 costs and saves where images are scored: `python -m benchmarks.half_precision`.

Two questions, by one command:

- are the answers the same? TRM-ML is trained by the demo's recipe in the generated world and, with
  `--images` and `--labels`, on photographs of landscapes; then images it never saw are scored in
  float32 and with an image tower in bfloat16, as `trmml predict --dtype` does;
- how much faster is it? Towers of CLIP's shapes with random weights, in alternation; bfloat16 with
  its matrices cast once, and cast in every call, as an autocast by itself does.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import torch

from benchmarks.measuring import alternate, environment, place, quartiles, ratio
from benchmarks.worlds import World, generated, photographs
from trmml.atomic_write import write_atomically
from trmml.data import hide_labels
from trmml.demo import DEMO_RECIPE, photograph_data
from trmml.demo.images import WORLD_SEED
from trmml.encoders import EncoderPair, compute_in, load_open_clip
from trmml.markdown_table import markdown_table
from trmml.metrics import mean_average_precision
from trmml.models import TRMML, TRMMLTask
from trmml.training import encode_images, fit, predict_logits
from trmml.world import make_world

RESULTS: Final = Path(__file__).parent / "results" / "half_precision.json"
KEEP: Final = 0.1
TOWERS: Final = {"RN101": 448, "ViT-B-16": 224}
BATCH: Final = 4


def compared(world: World, judged: Callable[[EncoderPair], Any]) -> dict[str, float]:
    """Train on a tenth of the labels, and score in both precisions."""
    generator = torch.Generator().manual_seed(0)
    encoders = world["encoders"]
    task = TRMMLTask(TRMML(encoders, world["names"], generator=generator))
    fit(task, world["train"], hide_labels(world["truth"], KEEP, seed=0), recipe=DEMO_RECIPE)
    scores = []
    for dtype in ("float32", "bfloat16"):
        compute_in(encoders.image, dtype)
        scores.append(predict_logits(task.model, judged(encoders)))
    compute_in(encoders.image, "float32")
    full, half = scores
    truth = world["judged_truth"]
    change = (full.sigmoid() - half.sigmoid()).abs()
    return {
        "images": len(truth),
        "float32": round(100 * float(mean_average_precision(full, truth)), 3),
        "bfloat16": round(100 * float(mean_average_precision(half, truth)), 3),
        "largest_change": round(float(change.max()), 4),
        "mean_change": round(float(change.mean()), 5),
    }


def agreement(images: Path | None, labels: Path | None) -> dict[str, dict[str, float]]:
    """Compare in the generated world and, where photographs are given, on those."""

    def scenes(encoders: EncoderPair) -> Any:  # noqa: ANN401 - stored features
        pixels = torch.from_numpy(make_world(seed=WORLD_SEED, num_test=0).validation.images)
        return encode_images(encoders.image, pixels.split(50))

    found = {"generated scenes": compared(generated(), scenes)}
    if images is not None and labels is not None:
        data = photograph_data(images, labels)
        found["landscapes"] = compared(
            photographs(images, labels),
            lambda encoders: encode_images(encoders.image, data.test.batches(50)),
        )
    return found


def speed(rounds: int) -> dict[str, Any]:
    """Time image towers in three ways, in alternation."""
    found: dict[str, Any] = {}
    for name, size in TOWERS.items():
        tower: Any = load_open_clip(name, pretrained=None, image_size=size).image
        pixels = torch.randn(BATCH, 3, size, size)
        once = tower._ready

        def encode(dtype: torch.dtype | None, ready: Any, of: Any = (tower, pixels)) -> None:  # noqa: ANN401
            of[0].autocast_dtype, of[0]._ready = dtype, ready
            of[0].encode_dense(of[1])

        works = {
            "float32": lambda encode=encode, once=once: encode(None, once),
            "cast once": lambda encode=encode, once=once: encode(torch.bfloat16, once),
            "cast in every call": lambda encode=encode, tower=tower: encode(
                torch.bfloat16, lambda _: tower._copies()
            ),
        }
        times = alternate(works, device="cpu", warm_up=1, rounds=rounds).wall
        found[name] = {
            "image_size": size,
            "batch": BATCH,
            "seconds": {work: quartiles(values) for work, values in times.items()},
            "gain": {
                work: ratio(times, ["float32"], [work]) for work in times if work != "float32"
            },
        }
    return found


def section(measured: dict[str, Any]) -> str:
    """Write the part of the page."""
    same = [
        [
            world,
            f"{found['images']:,}",
            f"{found['float32']:.2f}",
            f"{found['bfloat16']:.2f}",
            f"{found['largest_change']:.4f}",
            f"{found['mean_change']:.5f}",
        ]
        for world, found in measured["agreement"].items()
    ]
    fast = [
        [
            f"{name}, {found['image_size']} pixels",
            *(f"{found['seconds'][work][1]:.3f}" for work in found["seconds"]),
            *("{1:.2f} ({0:.2f}–{2:.2f})".format(*gain) for gain in found["gain"].values()),
        ]
        for name, found in measured["speed"].items()
    ]
    return "\n\n".join(
        [
            "## Scoring in bfloat16",
            "What `--dtype bfloat16`, or `auto` where it is fast, changes: mAP (%) of one model of "
            "TRM-ML by the tiny tower, a tenth of the labels known, and how far probabilities "
            "move (`python -m benchmarks.half_precision --images DIR --labels CSV`).",
            markdown_table(
                ["images", "number", "float32", "bfloat16", "largest change", "mean change"], same
            ),
            f"Seconds for {BATCH} images through an image tower with random weights, and how many "
            "times as fast as float32 that is. The matrices of a frozen tower are cast once; an "
            "autocast by itself casts them in every call.",
            markdown_table(
                [
                    "tower",
                    "float32",
                    "bfloat16",
                    "cast in every call",
                    "gain (quartiles)",
                    "gain, cast in every call",
                ],
                fast,
            ),
            place(measured["environment"]),
        ]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=Path)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args(arguments)
    measured = {
        "agreement": agreement(options.images, options.labels),
        "speed": speed(options.rounds),
        "environment": environment("cpu"),
    }
    write_atomically(RESULTS, json.dumps(measured, indent=1) + "\n")
    print(section(measured))


if __name__ == "__main__":
    main()
