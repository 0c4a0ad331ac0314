"""How many of the labels that look wrong are wrong, where it is known which were turned round.

    python benchmarks/suspects.py

turns 5 % of the known labels of the generated world round, ranks the known ones by
`trmml.completion`, and writes which share of the first k are mistakes to
`benchmarks/results/suspects.json`, beside the ranking without the similarity of image and name,
that of lines fitted to the very labels they judge, and cleanlab's of the same probabilities with
its adjustment to each class (without it, its order is that of `rank_suspects`).
"""

import argparse
import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import torch
from cleanlab.rank import get_label_quality_scores
from torch import Tensor

from trmml.completion import logistic_probes, out_of_fold_probabilities, rank_suspects
from trmml.data import hide_labels
from trmml.demo.images import WORLD_SEED
from trmml.encoders import ImageFeatures, load_tiny
from trmml.functional import unit_vectors
from trmml.labels import UNKNOWN, Labels
from trmml.models import zero_shot_scores, zero_shot_text_features
from trmml.training import encode_images
from trmml.world import make_world

RESULTS: Final = Path(__file__).parent / "results" / "suspects.json"
FIRST: Final = (50, 100, 200, 500)
FLIPPED: Final = 0.05


def flipped(known: Labels, *, seed: int) -> Tensor:
    """Choose which known labels are turned round."""
    generator = torch.Generator().manual_seed(1000 + seed)
    return (known != UNKNOWN) & (torch.rand(known.shape, generator=generator) < FLIPPED)


def cleanlab_order(probabilities: Tensor, labels: Labels) -> tuple[Tensor, Tensor]:
    """Return rows and columns of the known labels in cleanlab's order, class by class scored."""
    quality = torch.full_like(probabilities, torch.inf)
    for column in range(labels.shape[1]):
        known = labels[:, column] != UNKNOWN
        present = probabilities[known, column]
        both = torch.stack([1 - present, present], dim=1).numpy()
        given = (labels[known, column] > 0).long().numpy()
        # Adjusted by the class's own mean confidence, which cleanlab offers for uneven classes.
        scores = get_label_quality_scores(given, both, adjust_pred_probs=True)
        quality[known, column] = torch.from_numpy(scores)
    order = quality.flatten().argsort(stable=True)[: int((labels != UNKNOWN).sum())]
    return order // labels.shape[1], order % labels.shape[1]


def measure(world: dict[str, Any], *, keep: float, seed: int) -> dict[str, dict[str, float]]:
    """Return, for each way to rank, the share of mistakes among the first, in percent."""
    known = hide_labels(world["truth"], keep, seed=seed)
    wrong = flipped(known, seed=seed)
    labels = torch.where(wrong, -known, known)
    features, evidence = world["features"], world["evidence"]
    judged = out_of_fold_probabilities(features, labels, evidence=evidence).probabilities
    alone = out_of_fold_probabilities(features, labels)
    standard = (features - features.mean(0)) / features.std(0)
    weights, constants = logistic_probes(standard, labels, penalty=alone.penalty)
    orders = {
        "out of fold": rank_suspects(judged, labels)[:2],
        "out of fold, features alone": rank_suspects(alone.probabilities, labels)[:2],
        "fits that saw the labels": rank_suspects(
            (standard @ weights + constants).sigmoid(), labels
        )[:2],
        "cleanlab, adjusted, of the same probabilities": cleanlab_order(judged, labels),
    }
    total = int(wrong.sum())
    found: dict[str, dict[str, float]] = {"known labels": {"all": int((known != 0).sum())}}
    found["mistakes"] = {"all": total}
    for name, (rows, columns) in orders.items():
        hits = wrong[rows, columns].double()
        found[name] = {str(k): round(100 * float(hits[:k].mean()), 2) for k in FIRST}
        found[name]["as many as mistakes"] = round(100 * float(hits[:total].mean()), 2)
    return found


def generated() -> dict[str, Any]:
    """Return features of the generated world, and what its labels really are."""
    encoders = load_tiny()
    train = make_world(seed=WORLD_SEED, num_validation=0, num_test=0).train
    pixels = torch.from_numpy(train.images).split(50)
    encoded = encode_images(encoders.image, pixels)
    stored = ImageFeatures(encoded.dense, encoded.pooled, encoded.grid)
    texts = zero_shot_text_features(encoders.text, train.class_names)
    evidence = torch.stack(
        [zero_shot_scores(stored, texts, dense=dense) for dense in (False, True)]
    )
    parts = [unit_vectors(stored.pooled), unit_vectors(stored.dense.mean(1))]
    return {
        "features": torch.cat(parts, dim=1).double(),
        "evidence": evidence.double(),
        "truth": torch.from_numpy(train.labels).long(),
    }


def table(done: dict[str, Any]) -> str:
    """Write means over the seeds as Markdown."""
    columns = [*map(str, FIRST), "as many as mistakes"]
    lines = [
        "| labels known | ranked by | " + " | ".join(f"first {name}" for name in columns) + " |",
        "|---:|---|" + "---:|" * len(columns),
    ]
    for keep, cells in done["keep"].items():
        for name in [name for name in cells[0] if name not in ("known labels", "mistakes")]:
            means = [statistics.mean(cell[name][column] for cell in cells) for column in columns]
            figures = " | ".join(f"{mean:.1f}" for mean in means)
            lines.append(f"| {float(keep):.0%} | {name} | {figures} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is not done yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=float, nargs="+", default=[0.1, 0.5])
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args(arguments)
    done: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"keep": {}}
    done |= {"torch": torch.__version__, "flipped": FLIPPED}
    world = generated()
    for seed in range(options.seeds):
        for keep in options.keep:
            cells = done["keep"].setdefault(str(keep), [])
            if len(cells) > seed:
                continue
            cells.append(measure(world, keep=keep, seed=seed))
            RESULTS.write_text(json.dumps(done, indent=1) + "\n")
            print(f"keep {keep:.0%}, seed {seed}: {cells[-1]}", flush=True)
    print(table(done))


if __name__ == "__main__":
    main()
