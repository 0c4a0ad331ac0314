"""Compare all methods, and all losses, in the generated world.

    python -m benchmarks.methods

trains each method of `trmml.models.METHODS` that learns from images with its default settings,
and one of them by each loss of `trmml.losses.LOSSES`, on a tenth of the labels and on a single
positive of each image, three seeds each, all by the demo's recipe. Mean average precision on scenes
that nothing is learnt from is in `benchmarks/results/methods.json`, and as tables in `methods.md`
beside it, which the docs show. What is done by today's settings is not done again, so the command
can be stopped and repeated; `--only` trains some of the rows, `--seeds` more or fewer seeds.

The recipe was made for TRM-ML in this world and for no other method, which favours it.

Where an image has a single positive no negative is known. TRM-ML then counts the unknown as
negative (`unknown_as_negative`), as do methods whose loss makes nothing of the unknown, by the loss
`assume-negative`. Losses that make nothing of it have no figure there: they learn to say yes.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from inspect import signature
from pathlib import Path
from typing import Any, Final, NamedTuple

import torch

from benchmarks.spread import mean_and_deviation
from benchmarks.worlds import World, generated
from trmml.atomic_write import write_atomically
from trmml.data import hide_labels, keep_single_positive
from trmml.demo import DEMO_RECIPE
from trmml.labels import Labels
from trmml.losses import LOSSES
from trmml.losses.label_loss import LabelLoss
from trmml.markdown_table import markdown_table
from trmml.metrics import mean_average_precision
from trmml.models import METHODS, LossConfig, MethodConfig
from trmml.training import fit, predict_logits

RESULTS: Final = Path(__file__).parent / "results" / "methods.json"
SEEDS: Final = (0, 1, 2)
KNOWN: Final = {"0.1": "10 % of the labels", "single": "a single positive"}
TAUGHT: Final = "dualcoop"  # the method that all losses teach

Done = dict[str, Any]


class Row(NamedTuple):
    """What one row of a table trains.

    Attributes:
        group: Which table it is in, "methods" or "losses".
        name: Of the method or the loss.
        config: All settings.
    """

    group: str
    name: str
    config: MethodConfig


def rows(positives: float) -> list[Row]:
    """Return the rows of both tables.

    Args:
        positives: How many an image has on average, which some losses have to be told.
    """
    taught = METHODS[TAUGHT].Model.Config()
    told: dict[str, Any] = {"expected_positives": positives}
    methods = {name: task.Model.Config() for name, task in METHODS.items()}
    return [
        Row("methods", name, config)
        for name, config in methods.items()
        if config.learns_from == "images"
    ] + [
        Row("losses", name, replace(taught, loss=LossConfig(name, told if asks(loss) else {})))
        for name, loss in LOSSES.items()
    ]


def asks(loss: type[LabelLoss]) -> bool:
    """Say whether a loss has to be told how many positives an image has."""
    asked = signature(loss).parameters.get("expected_positives")
    return asked is not None and asked.default is asked.empty


def known_labels(truth: Labels, known: str, *, seed: int) -> Labels:
    """Hide what is not known, by a key of `KNOWN`."""
    if known == "single":
        return keep_single_positive(truth, seed=1200 + seed)
    return hide_labels(truth, float(known), seed=seed)


def config_for(row: Row, known: str) -> MethodConfig | None:
    """Return the settings to train a row by; None where it cannot learn."""
    config = row.config
    if known != "single" or config.loss.build().uses_unknown:
        return config
    if row.group == "losses":
        return None
    if "unknown_as_negative" in {field.name for field in fields(config)}:
        settings: dict[str, Any] = {"unknown_as_negative": True}
        return replace(config, **settings)
    return replace(config, loss=LossConfig("assume-negative"))


def measure(config: MethodConfig, known: str, seed: int, world: World) -> float:
    """Train once, and return mean average precision in percent."""
    task = METHODS[config.method].build(
        world["encoders"],
        world["names"],
        config=config,
        generator=torch.Generator().manual_seed(seed),
    )
    labels = known_labels(world["truth"], known, seed=seed)
    fit(task, world["train"], labels, recipe=replace(DEMO_RECIPE, seed=seed))
    scores = predict_logits(task.model, world["judged"])
    return round(100 * float(mean_average_precision(scores, world["judged_truth"])), 2)


def settings(config: MethodConfig) -> Done:
    """Return all that decides a figure but the seed, as JSON gives it back."""
    return json.loads(json.dumps({"recipe": asdict(DEMO_RECIPE), "model": asdict(config)}))


def cells(done: Done, row: Row, known: str) -> dict[str, float]:
    """Return a row's figures by seed; none that other settings gave."""
    config = config_for(row, known)
    today = None if config is None else settings(config)
    found = done["groups"].setdefault(row.group, {}).setdefault(row.name, {})
    if known not in found or found[known]["settings"] != today:
        found[known] = {"settings": today, "map": {}}
    return found[known]["map"]


def table(done: Mapping[str, Any], group: str) -> str:
    """Write mean and deviation over the seeds as Markdown, in percent."""
    head = ["method" if group == "methods" else "loss", *KNOWN.values()]
    lines = [
        [f"`{name}`", *(shown([*row[known]["map"].values()]) for known in KNOWN)]
        for name, row in done["groups"][group].items()
    ]
    return markdown_table(head, lines)


def shown(figures: Sequence[float]) -> str:
    """Return mean and deviation, and how many seeds where some are not done; nothing if none is."""
    if not figures:
        return ""
    number = "1 seed" if len(figures) == 1 else f"{len(figures)} seeds"
    few = f" ({number})" if len(figures) < len(SEEDS) else ""
    return f"{mean_and_deviation(figures)}{few}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Train what is not done yet, and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [*METHODS, *LOSSES]
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME")
    parser.add_argument("--seeds", type=int, nargs="+", default=[*SEEDS])
    options = parser.parse_args(arguments)
    world = generated()
    positives = round(float((world["truth"] == 1).double().sum(dim=1).mean()), 2)
    everything = rows(positives)
    done: Done = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"groups": {}}
    done["torch"] = str(torch.__version__)
    for row in everything:
        for known in KNOWN:
            cells(done, row, known)
    for known in KNOWN:
        for seed in options.seeds:
            for row in everything:
                config, found = config_for(row, known), cells(done, row, known)
                if config is None or row.name not in options.only or str(seed) in found:
                    continue
                found[str(seed)] = measure(config, known, seed, world)
                print(f"{KNOWN[known]}, seed {seed}, {row.name}: {found[str(seed)]}", flush=True)
                write_atomically(RESULTS, json.dumps(done, indent=1) + "\n")
    text = "\n\n".join(table(done, group) for group in done["groups"])
    write_atomically(RESULTS.with_suffix(".md"), text + "\n")
    print(text)


if __name__ == "__main__":
    main()
