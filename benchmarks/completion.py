"""What completing labels is worth, and how often what is added is right.

    python -m benchmarks.completion generated
    python -m benchmarks.completion landscapes --images DIR --labels CSV
    python -m benchmarks.completion real-landscapes --images DIR --labels CSV
    python -m benchmarks.completion coco256 --images DIR

trains TRM-ML without completion, with the paper's and with the calibrated one, at several shares of
known labels and seeds. A fifth of the training images is set aside, its known labels too, so that
they could choose between the arms. All figures are of images of a third part. What is done already
is not trained again; tables and JSON are in `benchmarks/results/completion_<world>.*`.

The first two worlds are seen by the tiny towers, which were made for the first and have never seen
a photograph; the others by the pair of `examples/own_towers`, all of whose knowledge is ImageNet's.

Rules that needed choosing were chosen on seeds 0 and 1; the figures are of the five after them.
"""

import argparse
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import torch

from benchmarks.completion_ideas import PulledTask
from benchmarks.worlds import (
    World,
    generated,
    photographs,
    real_coco256,
    real_photographs,
    scored,
)
from trmml.atomic_write import write_atomically
from trmml.data import hide_labels
from trmml.demo import DEMO_RECIPE
from trmml.labels import UNKNOWN, Labels
from trmml.markdown_table import markdown_table
from trmml.metrics import mean_average_precision
from trmml.models import (
    ABLATIONS,
    TRMML,
    TRMMLConfig,
    TRMMLOutput,
    TRMMLTask,
    zero_shot_text_features,
)
from trmml.training import complete_stored_labels, fit, predict_logits
from trmml.training.sources.stored_features import StoredFeatures

RESULTS: Final = Path(__file__).parent / "results"
WITHOUT: Final = ABLATIONS["carl+kd"]
CALIBRATED: Final = replace(WITHOUT, prototypes="both", completion="calibrated")
RANKED: Final = replace(CALIBRATED, completion="ranked")
ARMS: Final[dict[str, TRMMLConfig]] = {
    "nothing completed": WITHOUT,
    "paper": replace(WITHOUT, prototypes="both"),
    "calibrated": CALIBRATED,
    "calibrated by itself": replace(CALIBRATED, judged_by="itself"),
    "calibrated, weight 0.3": replace(CALIBRATED, completed_weight=0.3),
    "calibrated at 0.8": replace(CALIBRATED, present_precision=0.8),
    "calibrated, positives alone": replace(CALIBRATED, absent_precision=None),
    "calibrated, negatives alone": replace(CALIBRATED, present_precision=None),
    "calibrated by itself, later": replace(CALIBRATED, judged_by="itself", first_stage_share=0.5),
    "calibrated, judged longer": replace(CALIBRATED, judges_share=1.0),
    "nothing completed, contexts from words": replace(WITHOUT, prompt_init="a photo of a"),
    "nothing completed, pulled to zero-shot": WITHOUT,
    "ranked": RANKED,
    "ranked, half of them": replace(RANKED, ranked_share=0.5),
}
TASKS: Final[dict[str, type[TRMMLTask]]] = {
    "nothing completed, pulled to zero-shot": PulledTask,
}

BATCH: Final = 100


def right(completed: Labels, known: Labels, truth: Labels, sign: int) -> tuple[int, float | None]:
    """Return how many labels of a sign were added, and which share of them is right."""
    added = (known == UNKNOWN) & (completed == sign)
    number = int(added.sum())
    share = 100 * float((truth[added] == sign).double().mean()) if number else None
    return number, None if share is None else round(share, 2)


def measure(arm: str, known: Labels, *, seed: int, world: World) -> dict[str, Any]:
    """Train once, and return the figures."""
    held, rows = set_aside(len(known), seed=seed)
    train, labels, truth = taken(world["train"], rows), known[rows], world["truth"][rows]
    Task = TASKS.get(arm, TRMMLTask)
    task = trained(ARMS[arm], world, rows, labels, seed=seed, Task=Task)
    found: dict[str, Any] = {}
    if task.completed is not None:
        completed = task.completed.labels.to(known.dtype)
    else:
        completed = complete_stored_labels(task.model, train, labels)
    for sign, kind in ((1, "positives"), (-1, "negatives")):
        found[kind], found[f"{kind}_right"] = right(completed, labels, truth, sign)
    if task.labeler is not None and task.labeler.is_fitted:
        # What the calibration says of the model that has since learnt all labels.
        late = torch.cat([task.model.evidence(o) for o in outputs_of(task.model, train)], dim=1)
        precision = ARMS[arm].present_precision
        again = task.labeler(late, labels, present=precision, absent=None)
        found["late"], found["late_right"] = right(again, labels, truth, 1)
    scores = predict_logits(task.model, world["judged"])
    unseen = predict_logits(task.model, taken(world["train"], held))
    return found | {
        "map": percent_map(scores, world["judged_truth"]),
        "validation": percent_map(unseen, known[held]),
    }


def set_aside(images: int, *, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the rows of a fifth of the training images, and of those that are trained on."""
    order = torch.randperm(images, generator=torch.Generator().manual_seed(seed))
    return order[: images // 5], order[images // 5 :]


def trained(
    config: TRMMLConfig,
    world: World,
    rows: torch.Tensor,
    labels: Labels,
    *,
    seed: int,
    Task: type[TRMMLTask] = TRMMLTask,
) -> TRMMLTask:
    """Train on some rows by the demo's recipe."""
    generator = torch.Generator().manual_seed(seed)
    task = Task(TRMML(world["encoders"], world["names"], config=config, generator=generator))
    fit(task, taken(world["train"], rows), labels, recipe=replace(DEMO_RECIPE, seed=seed))
    return task


def percent_map(scores: torch.Tensor, labels: Labels) -> float:
    """Return mean average precision in percent."""
    return round(100 * float(mean_average_precision(scores, labels)), 2)


@torch.no_grad()
def outputs_of(model: TRMML, features: StoredFeatures) -> list[TRMMLOutput]:
    """Return what a model makes of stored features, in eval mode."""
    model.eval()
    return [model.match(part, features.grid) for part in features.dense.split(BATCH)]


def taken(features: StoredFeatures, rows: torch.Tensor) -> StoredFeatures:
    """Return the features of some images."""
    return StoredFeatures(
        dense=features.dense[rows], pooled=features.pooled[rows], grid=features.grid
    )


def zero_shot(world: World) -> float:
    """Return the mean average precision of the frozen towers alone."""
    texts = zero_shot_text_features(world["encoders"].text, world["names"])
    return percent_map(scored(world["judged"], texts, dense=True), world["judged_truth"])


def opened(name: str, images: Path | None, labels: Path | None) -> World:
    """Return a world by its name.

    Raises:
        ValueError: If it needs photographs and there are none.
    """
    if name == "generated":
        return generated()
    if images is None or (labels is None and name != "coco256"):
        raise ValueError(f"{name} needs --images, and but for coco256 --labels.")
    if labels is None:
        return real_coco256(images)
    return (photographs if name == "landscapes" else real_photographs)(images, labels)


COLUMNS: Final = (
    ("seeds", None, 0),
    ("mAP", "map", 1),
    ("positives added", "positives", 0),
    ("right", "positives_right", 1),
    ("right, asked at the end", "late_right", 1),
    ("negatives added", "negatives", 0),
    ("right", "negatives_right", 1),
)


def table(done: Mapping[str, Any]) -> str:
    """Write means and deviations over the seeds as Markdown, in percent."""
    titles = ["labels known", "completion", *(title for title, _, _ in COLUMNS)]
    rows = [
        [f"{float(keep):.0%}", name, *row(cells)]
        for keep, arms in sorted(done["keep"].items(), key=lambda item: float(item[0]))
        for name, cells in arms.items()
    ]
    return markdown_table(titles, rows) + f"\n\nZero-shot: {done['zero_shot']:.1f}"


def row(cells: Sequence[dict[str, Any]]) -> list[str]:
    """Write the figures of one arm."""
    return [
        str(len(cells)) if key is None else mean_of(cells, key, digits)
        for _, key, digits in COLUMNS
    ]


def mean_of(cells: Sequence[Mapping[str, Any]], key: str, digits: int) -> str:
    """Return mean and, of average precisions, deviation over the seeds."""
    values = [cell[key] for cell in cells if cell.get(key) is not None]
    if not values:
        return ""
    spread = f" ± {statistics.stdev(values):.1f}" if "ap" in key and len(values) > 1 else ""
    return f"{statistics.mean(values):,.{digits}f}{spread}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Train what is not done yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    worlds = ("generated", "landscapes", "real-landscapes", "coco256")
    parser.add_argument("world", choices=worlds)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--keep", type=float, nargs="+", default=[0.01, 0.03, 0.05, 0.1, 0.3, 0.5])
    parser.add_argument("--seeds", type=int, nargs="+", default=[2, 3, 4, 5, 6])
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=[*ARMS][:4])
    options = parser.parse_args(arguments)
    path = RESULTS / f"completion_{options.world}.json"
    done: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"keep": {}}
    world = opened(options.world, options.images, options.labels)
    done |= {"torch": str(torch.__version__), "zero_shot": zero_shot(world)}
    for seed in options.seeds:
        for keep in options.keep:
            known = hide_labels(world["truth"], keep, seed=seed)
            for name in options.arms:
                cells = done["keep"].setdefault(str(keep), {}).setdefault(name, [])
                if any(cell["seed"] == seed for cell in cells):
                    continue
                cells.append({"seed": seed} | measure(name, known, seed=seed, world=world))
                print(f"keep {keep:.0%}, {name}: {cells[-1]}", flush=True)
                write_atomically(path, json.dumps(done, indent=1) + "\n")
    write_atomically(path.with_suffix(".md"), table(done) + "\n")
    print(table(done))


if __name__ == "__main__":
    main()
