"""Compare variants of the method on the validation scenes of the generated world.

    python benchmarks/ablation.py energies
    python benchmarks/ablation.py ingredients
    python benchmarks/ablation.py prototypes

trains every variant of a group with the demo's recipe, three seeds each, and writes mean average
precision on held-out validation scenes to `benchmarks/results/ablation_<group>.json`. Defaults are
chosen by these figures; the test scenes are never looked at here. The tables in the docs are what
it prints at its end. What is done already is not done
again, so the command can be stopped and repeated; `--fresh` starts over.
"""

import argparse
import json
import statistics
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from trmml.data import hide_labels
from trmml.demo import DEMO_RECIPE
from trmml.demo.images import WORLD_SEED
from trmml.encoders import load_tiny
from trmml.encoders.protocol import EncoderPair
from trmml.metrics import mean_average_precision
from trmml.models import ABLATIONS, PROTOTYPE_ABLATIONS, TRMML, TRMMLConfig
from trmml.training import Recipe, encode_images, fit, predict_logits
from trmml.training.sources.stored_features import StoredFeatures
from trmml.world import Scenes, make_world

RESULTS = Path(__file__).parent / "results"
SEEDS = (0, 1, 2)

Variant = tuple[TRMMLConfig, Recipe]


def energies() -> dict[str, Variant]:
    """Both energies, both normalisations, and two learning rates of the decoder."""
    return {
        f"{energy}, {normalization}, decoder lr x {ratio}": (
            TRMMLConfig(energy=energy, normalization=normalization),
            replace(DEMO_RECIPE, decoder_lr_ratio=ratio),
        )
        for energy in ("dot", "aligned")
        for normalization in ("sigmoid", "softmax")
        for ratio in (0.1, 0.4)
    }


def ingredients() -> dict[str, Variant]:
    """The rows of Table 3, and DualCoOp."""
    return {name: (config, DEMO_RECIPE) for name, config in ABLATIONS.items()}


def prototypes() -> dict[str, Variant]:
    """The rows of Table 6."""
    return {name: (config, DEMO_RECIPE) for name, config in PROTOTYPE_ABLATIONS.items()}


GROUPS: dict[str, Callable[[], dict[str, Variant]]] = {
    "energies": energies,
    "ingredients": ingredients,
    "prototypes": prototypes,
}


def encode(scenes: Scenes, encoders: EncoderPair) -> StoredFeatures:
    """Encode a set of scenes."""
    return encode_images(encoders.image, torch.from_numpy(scenes.images).split(50))


def validate(
    variant: Variant,
    keep: float,
    seed: int,
    *,
    encoders: EncoderPair,
    scenes: dict[str, Scenes],
    features: dict[str, StoredFeatures],
) -> float:
    """Train one variant and return its mean average precision in percent."""
    config, recipe = variant
    generator = torch.Generator().manual_seed(seed)
    names = scenes["train"].class_names
    model = TRMML(encoders, names, config=config, generator=generator)
    labels = hide_labels(torch.from_numpy(scenes["train"].labels).long(), keep, seed=seed)
    fit(model, features["train"], labels, recipe=replace(recipe, seed=seed))
    scores = predict_logits(model, features["validation"])
    truth = torch.from_numpy(scenes["validation"].labels).long()
    return round(100 * float(mean_average_precision(scores, truth)), 2)


def table(done: dict[str, Any]) -> str:
    """Write mean and standard deviation over the seeds as Markdown, in percent."""
    keeps = sorted({keep for cells in done["map"].values() for keep in cells}, key=float)
    lines = [
        "| variant |" + "".join(f" {float(keep):.0%} of the labels |" for keep in keeps),
        "|---|" + "---:|" * len(keeps),
    ]
    for name, cells in done["map"].items():
        figures = [
            f"{statistics.mean(cells[keep]):.1f} ± {statistics.stdev(cells[keep]):.1f}"
            if len(cells.get(keep, ())) == len(SEEDS)
            else ""
            for keep in keeps
        ]
        lines.append(f"| {name} | " + " | ".join(figures) + " |")
    return "\n".join(lines)


def main() -> None:
    """Run one group of variants."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("group", choices=sorted(GROUPS))
    parser.add_argument("--keep", type=float, nargs="+", default=[0.1, 0.5])
    parser.add_argument("--fresh", action="store_true")
    options = parser.parse_args()

    path = RESULTS / f"ablation_{options.group}.json"
    encoders = load_tiny()
    world = make_world(seed=WORLD_SEED, num_test=0)
    scenes = {"train": world.train, "validation": world.validation}
    features = {name: encode(part, encoders) for name, part in scenes.items()}
    done: dict[str, Any] = {"recipe": asdict(DEMO_RECIPE), "torch": torch.__version__, "map": {}}
    if path.exists() and not options.fresh:
        stored = json.loads(path.read_text())
        if stored["recipe"] != done["recipe"]:
            parser.error(f"{path.name} was made with another recipe; pass --fresh")
        done = stored
    for keep in options.keep:
        for name, variant in GROUPS[options.group]().items():
            cell = done["map"].setdefault(name, {}).setdefault(str(keep), [])
            for seed in SEEDS[len(cell) :]:
                cell.append(
                    validate(
                        variant, keep, seed, encoders=encoders, scenes=scenes, features=features
                    )
                )
                path.write_text(json.dumps(done, indent=2) + "\n")
            print(f"keep {keep:.0%}  {name:<40} {cell}", flush=True)
    print(table(done))


if __name__ == "__main__":
    main()
