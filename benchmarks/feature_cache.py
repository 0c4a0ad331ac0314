"""Measure how much faster an epoch is on cached features than on images.

    python benchmarks/feature_cache.py

trains TRM-ML (RN101 with random weights, 80 classes, 448 x 448, a tenth of the labels known, the
paper's batch of 128) on generated photographs, and times epochs on the images (decoding, TaI-DPT's
augmentation, encoding and the training step) and on features read back from the cache (reading and
the same step), side by side in one run after a warm-up of both. It writes
`benchmarks/results/feature_cache.json`: medians and ranges, how often the one takes the other, what
filling the cache took, and what of a step is the text tower's, which no cache of images can spare.
`--images`, `--batch-size` and `--epochs` change the size; the default takes 7 minutes of one core.
"""

import argparse
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

RESULTS = Path(__file__).parent / "results" / "feature_cache.json"
NUM_CLASSES, WARM_UP_IMAGES = 80, 4
TIMES = ("wall", "processor")


class Clock:
    """Wall and processor seconds of repeated work; the latter tell what a busy machine took."""

    def __init__(self) -> None:
        """Start with nothing timed."""
        self.times: dict[str, list[tuple[float, float]]] = {}

    def time(self, name: str, work: Callable[[], object]) -> None:
        """Time one call, waiting for the device."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        start = time.perf_counter(), time.process_time()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        end = time.perf_counter(), time.process_time()
        self.times.setdefault(name, []).append((end[0] - start[0], end[1] - start[1]))
        print(name, *(f"{value:.1f}" for value in self.times[name][-1]), flush=True)

    def median(self, name: str, kind: int = 0) -> float:
        """Return the median of one kind of seconds."""
        return statistics.median(pair[kind] for pair in self.times[name])

    def report(self) -> dict[str, Any]:
        """Return median, least and most seconds, and how many there were."""
        return {
            name: {
                "count": len(pairs),
                **{
                    kind: [
                        round(f(p[index] for p in pairs), 4) for f in (statistics.median, min, max)
                    ]
                    for index, kind in enumerate(TIMES)
                },
            }
            for name, pairs in self.times.items()
        }


def write_photographs(folder: Path, count: int) -> list[str]:
    """Write JPEGs of COCO's usual size; smooth noise decodes about as slowly as photographs."""
    random = np.random.RandomState(0)
    names = [f"{index}.jpg" for index in range(count)]
    for name in names:
        coarse = Image.fromarray(random.randint(0, 256, (60, 80, 3), dtype=np.uint8))
        coarse.resize((640, 480), Image.Resampling.BICUBIC).save(folder / name, quality=90)
    return names


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=128)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--image-size", type=int, default=448)
    options = parser.parse_args()

    from torch.optim import AdamW

    from trmml import TRMML
    from trmml.data import ImageTable, hide_labels
    from trmml.data.transforms import build_transform
    from trmml.models import TRMMLTask
    from trmml.training import FeatureCache, Recipe, SeededImages, parameter_groups

    device = "cuda" if torch.cuda.is_available() else "cpu"
    size, recipe = options.image_size, Recipe()
    names = [f"class {index}" for index in range(NUM_CLASSES)]
    model = TRMML.from_open_clip("RN101", class_names=names, image_size=size).to(device).train()
    optimizer = AdamW(parameter_groups(TRMMLTask(model), recipe))
    generator = torch.Generator().manual_seed(0)
    # COCO has 2.9 labels per image of 80 classes.
    shape = options.images, NUM_CLASSES
    truth = 2 * (torch.rand(shape, generator=generator) < 2.9 / NUM_CLASSES).long() - 1

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        encoder = model.image_encoder
        transform = build_transform(train=True, size=size, mean=encoder.mean, std=encoder.std)
        table = ImageTable(
            folder,
            write_photographs(folder, options.images),
            hide_labels(truth, 0.1),
            names,
            transform=transform,
        )
        images = SeededImages(table, seed=0)
        cache = FeatureCache(folder / "cache", model.encoders, images)
        clock = Clock()
        clock.time("filling", lambda: cache.fill(batch_size=options.batch_size))
        rows = torch.arange(options.images).split(options.batch_size)

        def from_images(parts: Sequence[torch.Tensor]) -> Iterator[tuple[Any, torch.Tensor]]:
            for part in parts:
                pixels, labels = zip(*[images[row, 0] for row in part.tolist()], strict=True)
                yield model(torch.stack(pixels).to(device)), torch.stack(labels)

        def from_cache(parts: Sequence[torch.Tensor]) -> Iterator[tuple[Any, torch.Tensor]]:
            for part in parts:
                features = cache.read(part, 0).to(device)
                yield model.match(features, cache.grid), table.labels[cache.source_rows(part, 0)]

        def epoch(outputs: Iterator[tuple[Any, torch.Tensor]]) -> None:
            for output, labels in outputs:
                optimizer.zero_grad()
                model.loss(output, labels.to(device)).total.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.max_grad_norm)
                optimizer.step()

        warm_up = [rows[0][:WARM_UP_IMAGES]]
        epoch(from_images(warm_up))
        epoch(from_cache(warm_up))
        for _ in range(options.epochs):
            clock.time("images", lambda: epoch(from_images(rows)))
            for _ in range(3):
                clock.time("cache", lambda: epoch(from_cache(rows)))
                clock.time("reading", lambda: [cache.read(part, 0) for part in rows])
                clock.time("text", lambda: torch.cat(model.prompts()).sum().backward())
        megabytes = cache.bytes_needed / 1e6

    result = {
        "images": options.images,
        "batch_size": options.batch_size,
        "image_size": size,
        "classes": NUM_CLASSES,
        "epochs": options.epochs,
        "median_least_most_seconds": clock.report(),
        "times_faster": {
            kind: round(clock.median("images", index) / clock.median("cache", index), 2)
            for index, kind in enumerate(TIMES)
        },
        "megabytes": round(megabytes, 3),
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
