"""What completing labels is worth, and how often what is added is right.

    python benchmarks/completion.py
    python benchmarks/completion.py --images DIR --labels CSV --name landscapes

trains TRM-ML without completion, with the paper's and with the calibrated one, at several shares of
known labels and seeds, and writes mean average precision on images set aside (of photographs, which
have no third part, on the test part), how many labels were added and how many of these are right,
to `benchmarks/results/completion_<name>.json`. What is done already is not done again.
"""

import argparse
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import torch

from trmml.data import hide_labels
from trmml.demo import DEMO_RECIPE, photograph_data
from trmml.demo.images import WORLD_SEED
from trmml.encoders import load_tiny
from trmml.labels import UNKNOWN, Labels
from trmml.metrics import mean_average_precision
from trmml.models import (
    ABLATIONS,
    TRMML,
    TRMMLConfig,
    TRMMLTask,
    zero_shot_text_features,
)
from trmml.training import complete_stored_labels, encode_images, fit, predict_logits
from trmml.training.sources.stored_features import StoredFeatures
from trmml.world import make_world

RESULTS: Final = Path(__file__).parent / "results"
WITHOUT: Final = ABLATIONS["carl+kd"]
CALIBRATED: Final = replace(WITHOUT, prototypes="both", completion="calibrated")
ARMS: Final[dict[str, TRMMLConfig]] = {
    "nothing completed": WITHOUT,
    "paper": replace(WITHOUT, prototypes="both"),
    "calibrated": CALIBRATED,
    "calibrated, weight 0.3": replace(CALIBRATED, completed_weight=0.3),
    "calibrated at 0.8": replace(CALIBRATED, present_precision=0.8),
    "calibrated, positives alone": replace(CALIBRATED, absent_precision=None),
}


def right(completed: Labels, known: Labels, truth: Labels, sign: int) -> tuple[int, float | None]:
    """Return how many labels of a sign were added, and which share of them is right."""
    added = (known == UNKNOWN) & (completed == sign)
    number = int(added.sum())
    share = 100 * float((truth[added] == sign).double().mean()) if number else None
    return number, None if share is None else round(share, 2)


def measure(
    config: TRMMLConfig,
    known: Labels,
    *,
    seed: int,
    world: Mapping[str, Any],
) -> dict[str, Any]:
    """Train once; return the figures."""
    generator = torch.Generator().manual_seed(seed)
    task = TRMMLTask(TRMML(world["encoders"], world["names"], config=config, generator=generator))
    fit(task, world["train"], known, recipe=replace(DEMO_RECIPE, seed=seed))
    scores = predict_logits(task.model, world["judged"])
    found: dict[str, Any] = {
        "map": round(100 * float(mean_average_precision(scores, world["judged_truth"])), 2)
    }
    if task.completed is not None:
        completed = task.completed.labels.to(known.dtype)
    else:
        completed = complete_stored_labels(task.model, world["train"], known)
    for sign, kind in ((1, "positives"), (-1, "negatives")):
        found[kind], found[f"{kind}_right"] = right(completed, known, world["truth"], sign)
    return found


def zero_shot(world: Mapping[str, Any]) -> float:
    """Return the mean average precision of the frozen towers alone."""
    texts = zero_shot_text_features(world["encoders"].text, world["names"])
    scores = dense_scores(world["judged"], texts)
    return round(100 * float(mean_average_precision(scores, world["judged_truth"])), 2)


def dense_scores(features: StoredFeatures, texts: torch.Tensor) -> torch.Tensor:
    """Score stored features by the names of the classes."""
    from trmml.models.zero_shot import dense_zero_shot_scores

    return torch.cat([dense_zero_shot_scores(part, texts) for part in features.dense.split(256)])


def generated() -> dict[str, Any]:
    """Return the generated world, its validation part to be judged on."""
    encoders, world = load_tiny(), make_world(seed=WORLD_SEED, num_test=0)
    train, judged = world.train, world.validation
    return {
        "encoders": encoders,
        "names": train.class_names,
        "train": encode_images(encoders.image, torch.from_numpy(train.images).split(50)),
        "truth": torch.from_numpy(train.labels).long(),
        "judged": encode_images(encoders.image, torch.from_numpy(judged.images).split(50)),
        "judged_truth": torch.from_numpy(judged.labels).long(),
    }


def photographs(images: Path, labels: Path) -> dict[str, Any]:
    """Return photographs, their test part to be judged on."""
    encoders, data = load_tiny(), photograph_data(images, labels)
    return {
        "encoders": encoders,
        "names": data.class_names,
        "train": encode_images(encoders.image, data.train.batches(50)),
        "truth": data.train.labels.long(),
        "judged": encode_images(encoders.image, data.test.batches(50)),
        "judged_truth": data.test.labels.long(),
    }


def table(done: Mapping[str, Any]) -> str:
    """Write means over the seeds as Markdown, in percent."""
    lines = [
        "| labels known | completion | mAP | positives added | right | negatives added | right |",
        "|---:|---|---:|---:|---:|---:|---:|",
    ]
    for keep, arms in done["keep"].items():
        for name, cells in arms.items():
            maps = [cell["map"] for cell in cells]
            spread = f" ± {statistics.stdev(maps):.1f}" if len(maps) > 1 else ""
            row = [f"{float(keep):.0%}", name, f"{statistics.mean(maps):.1f}{spread}"]
            for kind in ("positives", "negatives"):
                counts = [cell[kind] for cell in cells]
                shares = [s for cell in cells if (s := cell[f"{kind}_right"]) is not None]
                row += [f"{statistics.mean(counts):,.0f}"]
                row += [f"{statistics.mean(shares):.1f}" if shares else ""]
            lines.append(f"| {' | '.join(row)} |")
    return "\n".join([*lines, "", f"Zero-shot: {done['zero_shot']:.1f}"])


def main(arguments: Sequence[str] | None = None) -> None:
    """Train what is not done yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--name", default="generated")
    parser.add_argument("--keep", type=float, nargs="+", default=[0.1])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--arms", nargs="+", choices=[*ARMS], default=[*ARMS])
    options = parser.parse_args(arguments)
    path = RESULTS / f"completion_{options.name}.json"
    done: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"keep": {}}
    images, labels = options.images, options.labels
    world = generated() if images is None or labels is None else photographs(images, labels)
    done |= {"torch": str(torch.__version__), "zero_shot": zero_shot(world)}
    for seed in range(options.seeds):
        for keep in options.keep:
            known = hide_labels(world["truth"], keep, seed=seed)
            for name in options.arms:
                cells = done["keep"].setdefault(str(keep), {}).setdefault(name, [])
                if len(cells) > seed:
                    continue
                cells.append(measure(ARMS[name], known, seed=seed, world=world))
                path.write_text(json.dumps(done, indent=1) + "\n")
                print(f"keep {keep:.0%}, seed {seed}, {name}: {cells[-1]}", flush=True)
    print(table(done))


if __name__ == "__main__":
    main()
