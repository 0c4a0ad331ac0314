"""Whether regions lie where the things are, for a model with and one without regions.

    python -m benchmarks.evidence.regions generated
    python -m benchmarks.evidence.regions coco256 --images DIR --pictures DIR

trains the arms named below on a tenth of the labels and compares their maps with boxes, which no
model saw, on the judged images: how often a map's highest point lies in a box of the class, beside
how often a point anywhere would; and which share of the map lies in boxes. Of COCO's photographs
pictures are written on request; those of generated scenes are in the docs. Drawn are the first
judged images that show exactly two categories, so that nobody chose them by what is seen. What is
done is not done again, unless pictures are asked for, which only a new training can draw.
"""

import argparse
import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast

import torch
from jaxtyping import Bool, Float
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from benchmarks.completion import BATCH
from benchmarks.evidence.arms import Arm
from benchmarks.evidence.known_labels import known_labels
from benchmarks.evidence.one_run import trained
from benchmarks.evidence.tables import RESULTS
from benchmarks.spread import mean_and_deviation
from benchmarks.worlds import World, coco_images, generated, halves, real_coco256
from trmml.atomic_write import write_atomically
from trmml.demo.images import WORLD_SEED
from trmml.labels import POSITIVE
from trmml.markdown_table import markdown_table
from trmml.models import ABLATIONS, TRMML, TRMMLConfig
from trmml.prediction import Panel, contact_sheet, overlay
from trmml.training import StoredFeatures
from trmml.world import make_world

ARMS: Final = {"dualcoop": Arm(ABLATIONS["dualcoop"]), "all": Arm(TRMMLConfig())}
SEEDS: Final = (0, 1, 2)
FINE: Final = 64  # side of the raster that maps and boxes are compared on
DRAWN: Final = 6
PICTURE: Final = Path(__file__).parents[2] / "docs" / "assets" / "regions_compared.jpg"


@torch.no_grad()
def maps_of(model: TRMML, features: StoredFeatures) -> Float[Tensor, "images classes 64 64"]:
    """Return where a model sees each class."""
    model.eval()
    parts = [
        model.region_maps(model.match(part, features.grid)) for part in features.dense.split(BATCH)
    ]
    maps = torch.cat([part for part in parts if part is not None])
    return interpolate(maps, size=(FINE, FINE), mode="bilinear", align_corners=False)


def inside(boxes: Float[Tensor, "boxes 5"], label: int) -> Bool[Tensor, "64 64"]:
    """Say which points of the raster lie in a box of a class."""
    centres = (torch.arange(FINE) + 0.5) / FINE
    mask = torch.zeros(FINE, FINE, dtype=torch.bool)
    for _, left, top, right, bottom in boxes[boxes[:, 0] == label]:
        across, down = (centres >= left) & (centres < right), (centres >= top) & (centres < bottom)
        mask |= down[:, None] & across
    return mask


def pointing(
    maps: Float[Tensor, "images classes 64 64"], boxes: Sequence[Tensor]
) -> dict[str, float]:
    """Hold maps to boxes; all figures in percent, over each image and each class it shows."""
    hits, chances, shares = [], [], []
    for found, drawn in zip(maps, boxes, strict=True):
        for label in sorted({int(value) for value in drawn[:, 0]}):
            mask, seen = inside(drawn, label), found[label]
            if not mask.any():
                continue  # too small for the raster
            hits.append(float(mask.flatten()[seen.argmax()]))
            chances.append(float(mask.float().mean()))
            shares.append(float(seen[mask].sum() / seen.sum()))
    figures = {"pointing": hits, "chance": chances, "inside": shares}
    return {name: round(100 * statistics.mean(found), 2) for name, found in figures.items()}


def table(done: dict[str, Any]) -> str:
    """Write a row for each world and arm."""
    rows = []
    for world, arms in done.items():
        for name, runs in arms.items():
            cells = [
                mean_and_deviation([run[key] for run in runs])
                for key in ("pointing", "chance", "inside")
            ]
            rows.append([world, name, str(len(runs)), *cells])
    titles = ["", "", "seeds", "highest point in a box", "any point", "share of the map in boxes"]
    return markdown_table(titles, rows)


def drawn(pictures: Sequence[Image.Image], world: World, maps: dict[str, Tensor]) -> Image.Image:
    """Draw the maps of both arms, one under the other, for images that show two categories."""
    there = world["judged_truth"] == POSITIVE
    rows = (there.sum(dim=1) == 2).nonzero().flatten()[:DRAWN].tolist()
    panels = []
    for row in rows:
        classes = there[row].nonzero().flatten().tolist()
        line = [Panel(pictures[row], ", ".join(str(world["names"][label]) for label in classes))]
        for name, found in maps.items():
            line += [
                Panel(overlay(pictures[row], found[row, label]), f"{name}: {world['names'][label]}")
                for label in classes
            ]
        panels.append(line)
    return contact_sheet(panels)


def pictures_of(images: Path | None, seed: int) -> list[Image.Image]:
    """Return the judged images of a world."""
    if images is None:
        scenes = make_world(seed=WORLD_SEED, num_test=0).validation
        return [Image.fromarray(image.transpose(1, 2, 0)) for image in scenes.images]
    photographs = coco_images(images)
    return [photographs.shown(row) for row in halves(len(photographs), seed)[1].tolist()]


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, compare, and draw by the first seed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("world", choices=["generated", "coco256"])
    parser.add_argument("--images", type=Path)
    parser.add_argument("--pictures", type=Path, help="folder for pictures of photographs")
    options = parser.parse_args(arguments)
    if options.world == "coco256" and options.images is None:
        parser.error("--images: coco256 needs its folder; give its path.")
    folder: Path | None = options.pictures
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    path = RESULTS / "regions.json"
    done = json.loads(path.read_text()) if path.exists() else {}
    photographs: Path | None = options.images
    if folder is not None or options.world not in done:
        done[options.world] = {name: [] for name in ARMS}
    arms: dict[str, list[dict[str, float]]] = done[options.world]
    begun = len(next(iter(arms.values())))
    world = generated() if photographs is None and begun < len(SEEDS) else None
    for seed in SEEDS[begun:]:
        here = real_coco256(photographs, seed=seed) if photographs is not None else world
        if here is None or "judged_boxes" not in here:
            raise ValueError(f"{options.world} has no boxes.")
        labels = known_labels(here["truth"], "0.1", seed=seed, areas=None)
        maps = {}
        for name, arm in ARMS.items():
            task, _ = trained(arm, here, here["train"], labels, here["truth"], seed=seed)
            maps[name] = maps_of(cast(TRMML, task.model), here["judged"])
            arms[name].append(pointing(maps[name], here["judged_boxes"]))
            print(f"{options.world}, seed {seed}, {name}: {arms[name][-1]}", flush=True)
        if seed == SEEDS[0] and (photographs is None or folder is not None):
            sheet = drawn(pictures_of(photographs, seed), here, maps)
            sheet.save(PICTURE if folder is None else folder / "regions_compared.jpg", quality=85)
        write_atomically(path, json.dumps(done, indent=1) + "\n")
    write_atomically(path.with_suffix(".md"), table(done) + "\n")
    print(table(done))


if __name__ == "__main__":
    main()
