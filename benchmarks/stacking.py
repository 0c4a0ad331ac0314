"""What a stack of score and zero-shot score is worth with few labels.

    python -m benchmarks.stacking generated
    python -m benchmarks.stacking landscapes --images DIR --labels CSV
    python -m benchmarks.stacking real-landscapes --images DIR --labels CSV

trains TRM-ML without completion at several shares of known labels and seeds, in the worlds of
`benchmarks.completion`. A fifth of the training images is set aside, its known labels too: the
stack is fitted to them. Whether the frozen towers count is asked as a run asks it, of the known
labels of the images trained on as well. All figures are of images of a third part. The scores of
what is trained are kept in the system's folder of such things, and the stack is fitted to them
again in each call; tables and JSON are in `benchmarks/results/stacking_<world>.*`.

What is expected of the weights, and how sure the towers have to be, was chosen on seeds 0 and 1.
"""

import argparse
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save

from benchmarks.completion import (
    BATCH,
    RESULTS,
    WITHOUT,
    opened,
    outputs_of,
    percent_map,
    set_aside,
    taken,
    trained,
    zero_shot,
)
from benchmarks.kept_features import cache_folder
from benchmarks.worlds import World, scored
from trmml.atomic_write import write_atomically
from trmml.completion import fit_stacking, surely_tells
from trmml.data import hide_labels
from trmml.labels import UNKNOWN, Labels
from trmml.markdown_table import markdown_table
from trmml.models import ZeroShotStack
from trmml.training.run.evaluation import enough_rows


def learn(known: Labels, *, seed: int, world: World, kept: Path) -> None:
    """Train once, and keep score and zero-shot score in a file."""
    held, rows = set_aside(len(known), seed=seed)
    task = trained(WITHOUT, world, rows, known[rows], seed=seed)
    stack = ZeroShotStack.of_towers(world["encoders"].text, world["names"])
    parts = {"held": taken(world["train"], held), "judged": world["judged"]}
    evidence = {
        part: torch.cat(
            [stack.evidence(o.logits, o.features) for o in outputs_of(task.model, features)], dim=1
        )
        for part, features in parts.items()
    }
    write_atomically(kept, save(evidence))


def measure(known: Labels, *, seed: int, world: World, kept: Path) -> dict[str, Any]:
    """Return what score and stack are worth, and how true the stack's probabilities are."""
    held, rows = set_aside(len(known), seed=seed)
    evidence, truth = load_file(kept), world["judged_truth"]
    judged, labels = evidence["judged"], known[held]
    tell = towers_tell(known, held, rows, evidence["held"][1], world)
    found: dict[str, Any] = {"map": percent_map(judged[0], truth), "towers_tell": tell}
    stacking = fit_stacking(evidence["held"], labels, counted=[True, tell])
    if stacking is None:
        return found
    logits = stacking.logits(judged)
    sure = (logits > 0) & (truth != UNKNOWN)
    said, there = logits.sigmoid()[sure], (truth[sure] == 1).double()
    return found | {
        "stack": percent_map(logits, truth),
        "present_said": round(100 * float(said.mean()), 2) if len(said) else None,
        "present_right": round(100 * float(there.mean()), 2) if len(said) else None,
    }


def towers_tell(
    known: Labels, held: torch.Tensor, rows: torch.Tensor, scores: torch.Tensor, world: World
) -> bool:
    """Ask known labels, those set aside first, whether the towers tell what is there."""
    taught = rows[enough_rows(known[rows], already=int((known[held] != UNKNOWN).sum()))]
    texts = ZeroShotStack.of_towers(world["encoders"].text, world["names"]).texts
    more = [scored(taken(world["train"], part), texts, dense=True) for part in taught.split(BATCH)]
    return surely_tells(torch.cat([scores, *more]), known[torch.cat([held, taught])])


def table(done: Mapping[str, Any]) -> str:
    """Write means over the seeds as Markdown, in percent, and the worst where that counts."""
    titles = ["labels known", "seeds", "score", "stack", "worst against the better part"]
    titles += ["towers counted in", "above 0.5 it says", "is right"]
    rows = [
        [f"{float(keep):.0%}", *row(cells, done["zero_shot"])]
        for keep, cells in sorted(done["keep"].items(), key=lambda item: float(item[0]))
    ]
    return markdown_table(titles, rows) + f"\n\nZero-shot: {done['zero_shot']:.1f}"


def row(cells: Sequence[Mapping[str, Any]], zero_shot: float) -> list[str]:
    """Write the figures of one share of labels."""
    gaps = [cell["stack"] - max(cell["map"], zero_shot) for cell in cells]
    score, stack, said, right = (
        statistics.mean(cell[key] for cell in cells if cell[key] is not None)
        for key in ("map", "stack", "present_said", "present_right")
    )
    counted = sum(cell["towers_tell"] for cell in cells)
    figures = [f"{score:.1f}", f"{stack:.1f}", f"{min(gaps):+.1f}"]
    return [str(len(cells)), *figures, str(counted), f"{said:.1f}", f"{right:.1f}"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Train what is not kept yet, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("world", choices=["generated", "landscapes", "real-landscapes"])
    parser.add_argument("--images", type=Path)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--keep", type=float, nargs="+", default=[0.01, 0.03, 0.05, 0.1, 0.3, 0.5])
    parser.add_argument("--seeds", type=int, nargs="+", default=[2, 3, 4, 5, 6])
    options = parser.parse_args(arguments)
    world = opened(options.world, options.images, options.labels)
    path = RESULTS / f"stacking_{options.world}.json"
    done: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"keep": {}}
    done |= {"torch": str(torch.__version__), "zero_shot": zero_shot(world)}
    folder = cache_folder() / f"stacking-{options.world}"
    folder.mkdir(parents=True, exist_ok=True)
    for keep in options.keep:
        cells = []
        for seed in options.seeds:
            known = hide_labels(world["truth"], keep, seed=seed)
            kept = folder / f"{keep:g}, {seed}.safetensors"
            if not kept.exists():
                learn(known, seed=seed, world=world, kept=kept)
            cells.append({"seed": seed} | measure(known, seed=seed, world=world, kept=kept))
            print(f"keep {keep:.0%}: {cells[-1]}", flush=True)
        done["keep"][str(keep)] = cells
        write_atomically(path, json.dumps(done, indent=1) + "\n")
    write_atomically(path.with_suffix(".md"), table(done) + "\n")
    print(table(done))


if __name__ == "__main__":
    main()
