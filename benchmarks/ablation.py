"""Compare variants of the method on the validation scenes of the generated world.

    python benchmarks/ablation.py energies
    python benchmarks/ablation.py sampling

trains every variant of a group with the demo's recipe, three seeds each, and writes mean average
precision on held-out validation scenes to `benchmarks/results/ablation_<group>.json`. Defaults are
chosen by these figures; the test scenes are never looked at here. The tables in the docs are what
it prints at its end. What is done already is not done again, so the command can be stopped and
repeated; `--fresh` starts over. A file of before is taken over where no setting that it names has
another value today; the settings that it does not name are printed.
"""

import argparse
import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import torch

from trmml.data import hide_labels
from trmml.demo import DEMO_RECIPE
from trmml.demo.images import WORLD_SEED
from trmml.encoders import load_tiny
from trmml.encoders.protocol import EncoderPair
from trmml.metrics import mean_average_precision
from trmml.models import TRMML, TRMMLConfig, TRMMLTask
from trmml.training import Recipe, encode_images, fit, predict_logits
from trmml.training.sources.stored_features import StoredFeatures
from trmml.world import Scenes, make_world

RESULTS = Path(__file__).parent / "results"
SEEDS = (0, 1, 2)

RENAMED: Final = {
    "warmup_share": "first_stage_share",
    "rising_share": "warmup_share",
    "clip_norm": "max_grad_norm",
    "accumulation": "gradient_accumulation_steps",
}
"""What settings are called today, by their names in a file that has a `rising_share`."""

Variant = tuple[TRMMLConfig, Recipe]
Train = Callable[[Variant, float, int], float]


def energies() -> dict[str, Variant]:
    """Both energies, both normalisations, and two learning rates of the decoder."""
    return {
        f"{energy}, {normalization}, decoder lr x {ratio}": with_settings(
            {"energy": energy, "normalization": normalization, "decoder_lr_ratio": ratio}
        )
        for energy in ("dot", "aligned")
        for normalization in ("sigmoid", "softmax")
        for ratio in (0.1, 0.4)
    }


def sampling() -> dict[str, Variant]:
    """The contrastive loss on a sixteenth of the prototypes, of which 30 classes have 960."""
    sizes = {"60 of 960 prototypes": 60, "all prototypes": None}
    return {name: with_settings({"contrastive_sample": size}) for name, size in sizes.items()}


GROUPS: dict[str, Callable[[], dict[str, Variant]]] = {
    "energies": energies,
    "sampling": sampling,
}


def with_settings(changes: Mapping[str, Any]) -> Variant:
    """Change settings of the whole method and of the demo's recipe, whichever has them."""
    of_recipe = {field.name for field in fields(Recipe)} & changes.keys()
    recipe = replace(DEMO_RECIPE, **{name: changes[name] for name in of_recipe})
    config = TRMMLConfig.from_dict({k: v for k, v in changes.items() if k not in of_recipe})
    return config, recipe


def settings_today() -> dict[str, Any]:
    """Name what the variants of a group start from: the whole method and the demo's recipe."""
    return json.loads(json.dumps({**asdict(TRMMLConfig()), **asdict(DEMO_RECIPE)}))


def todays_names(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a results file as they are called today."""
    if "rising_share" not in stored:  # only beside it does `warmup_share` mean the first stage
        return dict(stored)
    return {RENAMED.get(name, name): value for name, value in stored.items()}


def take_over(stored: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Go on with the runs of a results file, and list the settings that cannot be compared.

    Those are the settings that only the file, or only today's code, names. The result names the
    others, which hold for the runs that are done and for those to come.

    Raises:
        ValueError: If a setting that both name has another value today.
    """
    then, now = todays_names(stored["recipe"]), settings_today()
    both = sorted(then.keys() & now.keys())
    other = [
        f"{name} = {then[name]}, today {now[name]}" for name in both if then[name] != now[name]
    ]
    if other:
        raise ValueError(f"made with {'; '.join(other)}")
    shared = {name: then[name] for name in both}
    return {**stored, "recipe": shared}, sorted(then.keys() ^ now.keys())


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
    fit(TRMMLTask(model), features["train"], labels, recipe=replace(recipe, seed=seed))
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


def complete(group: str, keeps: Sequence[float], done: dict[str, Any], train: Train) -> None:
    """Train what a group lacks, and keep each figure at once."""
    for keep in keeps:
        for name, variant in GROUPS[group]().items():
            cell = done["map"].setdefault(name, {}).setdefault(str(keep), [])
            for seed in SEEDS[len(cell) :]:
                cell.append(train(variant, keep, seed))
                results(group).write_text(json.dumps(done, indent=2) + "\n")
            print(f"keep {keep:.0%}  {name:<40} {cell}", flush=True)


def results(group: str) -> Path:
    """Return the file that holds a group's figures."""
    return RESULTS / f"ablation_{group}.json"


def trainer() -> Train:
    """Make and encode the scenes; return what trains a variant on them."""
    encoders = load_tiny()
    world = make_world(seed=WORLD_SEED, num_test=0)
    scenes = {"train": world.train, "validation": world.validation}
    features = {name: encode(part, encoders) for name, part in scenes.items()}
    return partial(validate, encoders=encoders, scenes=scenes, features=features)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one group of variants."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("group", choices=sorted(GROUPS))
    parser.add_argument("--keep", type=float, nargs="+", default=[0.1, 0.5])
    parser.add_argument("--fresh", action="store_true")
    options = parser.parse_args(arguments)

    path = results(options.group)
    done: dict[str, Any] = {"recipe": settings_today(), "torch": torch.__version__, "map": {}}
    if path.exists() and not options.fresh:
        try:
            done, not_compared = take_over(json.loads(path.read_text()))
        except ValueError as error:
            parser.error(f"{path.name} was {error}; pass --fresh to start over")
        if not_compared:
            print(f"{path.name} taken over; not compared: {', '.join(not_compared)}")
    complete(options.group, options.keep, done, trainer())
    print(table(done))


if __name__ == "__main__":
    main()
