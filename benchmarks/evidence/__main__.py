"""Ask what each ingredient and each choice that the paper leaves open is worth.

    python -m benchmarks.evidence generated
    python -m benchmarks.evidence landscapes --images DIR --labels CSV
    python -m benchmarks.evidence taught-landscapes --images DIR --labels CSV
    python -m benchmarks.evidence coco256 --images DIR

trains what is not done yet, seed by seed, and writes a JSON for each run below
`benchmarks/results/evidence/WORLD`, so that it can be stopped and repeated. `--questions` and
`--known` ask some only. `--tables` trains nothing: it writes tables and pictures of what is done.

The generated world is seen by the tiny towers, which were made for it. Landscapes and coco256 are
seen by the pair of `examples/own_towers`: all that it knows without training is ImageNet's. In
`taught-landscapes` the tiny towers were taught by captions of one half of the photographs, and all
else is of the other half. Of coco256 each seed draws another split.

A fifth of the images to learn from is set aside, its known labels too; "validation" is of them, and
choices are made by it alone. All else is of images that nothing is learnt from or chosen by.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.completion import zero_shot
from benchmarks.evidence.arms import EVERYWHERE, QUESTIONS
from benchmarks.evidence.known_labels import known_labels
from benchmarks.evidence.one_run import changes, measure, path_of
from benchmarks.evidence.pictures import DRAWN_WORLD, write_pictures
from benchmarks.evidence.places import opener
from benchmarks.evidence.tables import RESULTS, ZERO_SHOT, write_tables
from benchmarks.worlds import World
from trmml.atomic_write import write_atomically


def main(arguments: Sequence[str] | None = None) -> None:
    """Train what is not done yet, and write the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("world", choices=EVERYWHERE)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--questions", nargs="+", choices=QUESTIONS, default=[*QUESTIONS])
    parser.add_argument("--known", nargs="+", help="only these kinds of known labels")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--tables", action="store_true")
    options = parser.parse_args(arguments)
    if not options.tables:
        train(options)
    print(write_tables(options.world))
    if options.world == DRAWN_WORLD:
        write_pictures(RESULTS)


def train(options: argparse.Namespace) -> None:
    """Train what is not done yet."""
    open_world = opener(options.world, options.images, options.labels)
    folder = RESULTS / options.world
    for seed in options.seeds:
        world = open_world(seed)
        note_frozen(folder / ZERO_SHOT, seed, world)
        areas = world.get("areas")
        for question in (QUESTIONS[name] for name in options.questions):
            if options.world not in question.worlds:
                continue
            for known in question.known if options.known is None else options.known:
                if known not in question.known:
                    continue
                if known.endswith("salient") and areas is None:
                    continue  # nobody measured what strikes the eye
                labels = known_labels(world["truth"], known, seed=seed, areas=areas)
                for name, arm in question.arms.items():
                    path = path_of(folder, known, name, seed)
                    if path.exists():
                        check_same(path, changes(arm.config))
                        continue
                    figures = measure(arm, labels, seed=seed, world=world)
                    figures["torch"] = str(torch.__version__)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    write_atomically(path, json.dumps(figures) + "\n")
                    print(f"seed {seed}, {known}, {name}: {figures['map']}", flush=True)


def note_frozen(path: Path, seed: int, world: World) -> None:
    """Keep what the frozen towers alone score on the judged images."""
    found: dict[str, float] = json.loads(path.read_text()) if path.exists() else {}
    if str(seed) not in found:
        found[str(seed)] = zero_shot(world)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(found) + "\n")


def check_same(path: Path, today: object) -> None:
    """Refuse to go on with a run of other settings.

    Raises:
        ValueError: If an arm of this name was trained with others.
    """
    then = json.loads(path.read_text())["changes"]
    if then != today:
        raise ValueError(f"{path} was made with {then}, today {today}; delete it to make it again.")


if __name__ == "__main__":
    main()
