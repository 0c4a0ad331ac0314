"""Measure how long COCO's annotations take to be read: `python -m benchmarks.coco_reading`.

Writes a file as large as that of COCO 2014's training images, 82,783 images and 604,907 annotations
with outlines, then reads it in fresh processes with msgspec and without. Seconds of processor time
and peak memory above that before go to `benchmarks/results/coco_reading.json`. Linux.
"""

import json
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.info_nce_memory import peak
from benchmarks.measuring import environment
from trmml.atomic_write import write_atomically
from trmml.markdown_table import markdown_table

RESULTS: Final = Path(__file__).parent / "results" / "coco_reading.json"
IMAGES: Final = 82_783
ANNOTATIONS: Final = 604_907
OUTLINE: Final = 22  # numbers; makes the file as large as the official one


def write_file(path: str) -> None:
    """Write annotations of COCO's form."""
    random = np.random.default_rng(0)
    outlines = np.round(640 * random.random((ANNOTATIONS, OUTLINE)), 2).tolist()
    images = random.integers(0, IMAGES, ANNOTATIONS).tolist()
    categories = random.integers(1, 81, ANNOTATIONS).tolist()
    content = {
        "images": [
            {
                "id": number,
                "file_name": f"COCO_train2014_{number:012d}.jpg",
                "width": 640,
                "height": 480,
                "date_captured": "2013-11-14 16:28:13",
            }
            for number in range(IMAGES)
        ],
        "annotations": [
            {
                "segmentation": [outline],
                "area": 702.1,
                "iscrowd": 0,
                "image_id": image,
                "bbox": outline[:4],
                "category_id": category,
                "id": number,
            }
            for number, (outline, image, category) in enumerate(
                zip(outlines, images, categories, strict=True)
            )
        ],
        "categories": [{"id": number, "name": f"thing {number}"} for number in range(1, 81)],
    }
    Path(path).write_text(json.dumps(content))


def read(path: str, quick: bool) -> dict[str, float]:
    """Read the file once; return the time and the memory it took."""
    if not quick:
        sys.modules["msgspec"] = None  # pyright: ignore[reportArgumentType] - as if not installed
    from trmml.data import load_coco_file

    before, start = peak(), time.process_time()
    load_coco_file(path, Path(path).parent)
    return {
        "seconds": round(time.process_time() - start, 2),
        "gib": round(peak() - before, 2),
    }


def section(measured: dict[str, Any]) -> str:
    """Write the part of the page."""
    rows = [
        [name, f"{found['seconds']:.1f}", f"{found['gib']:.2f}"]
        for name, found in measured["readers"].items()
    ]
    return "\n\n".join(
        [
            "## COCO's annotations",
            f"A file of {measured['megabytes']:.0f} MB, as large as that of COCO 2014's training "
            "images, becomes a table of labels (`python -m benchmarks.coco_reading`).",
            markdown_table(["read", "processor seconds", "GiB"], rows),
        ]
    )


def main() -> None:
    """Run the benchmark."""
    readers = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "instances_train2014.json")
        with get_context("spawn").Pool(1) as pool:  # or its memory would be that of the others
            pool.apply(write_file, (str(path),))
        megabytes = round(path.stat().st_size / 1e6, 1)
        for name, quick in (("with msgspec", True), ("without", False)):
            with get_context("spawn").Pool(1) as pool:
                readers[name] = pool.apply(read, (str(path), quick))
            print(name, readers[name], flush=True)
    measured = {"megabytes": megabytes, "readers": readers, "environment": environment("cpu")}
    write_atomically(RESULTS, json.dumps(measured, indent=1) + "\n")
    print(section(measured))


if __name__ == "__main__":
    main()
