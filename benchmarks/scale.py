"""How the methods fare with more categories and with more images, in the generated world.

    python -m benchmarks.scale

trains with 500 to 20,000 scenes of 30 categories, and with 20 to 2,000 categories on 2,000 scenes,
a tenth of the labels known. Categories beyond the drawn things are combinations: "red car", of a
thing and its colour, then "red car and boat", with another thing in the same scene; those that most
scenes show. Mean average precision on 500 other scenes, in percent, is in
`benchmarks/results/scale.json`. What is done is not done again.

Each training takes as many steps as the demo's on 2,000 scenes. Of 500 categories and more, a step
looks at 200.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import torch

from benchmarks.completion import percent_map
from benchmarks.worlds import scored
from trmml.atomic_write import write_atomically
from trmml.data import hide_labels
from trmml.demo import DEMO_RECIPE
from trmml.encoders import EncoderPair, load_tiny
from trmml.labels import POSITIVE, Labels
from trmml.markdown_table import markdown_table
from trmml.models import ABLATIONS, METHODS, TRMMLConfig, zero_shot_text_features
from trmml.training import Recipe, StoredFeatures, encode_images, fit, predict_logits
from trmml.world import WORLD_CLASS_NAMES, Scenes, make_scenes

RESULTS: Final = Path(__file__).parent / "results" / "scale.json"
IMAGES: Final = (500, 2_000, 5_000, 20_000)
CATEGORIES: Final = (20, 30, 100, 500, 2_000)
USUAL: Final = (2_000, 30)
JUDGED: Final = 500
KEEP: Final = 0.1
DRAWN_AT_ONCE: Final = 50
LEARNT_FROM: Final = 1_000_000  # seeds of the first scenes; nothing else was chosen by any of them
JUDGED_BY: Final = 2_000_000
MANY: Final = 500
SAMPLED: Final = 200
Cell = dict[str, float]

CONFIGS: Final[dict[str, TRMMLConfig]] = {
    "dualcoop": ABLATIONS["dualcoop"],
    "carl+kd": ABLATIONS["carl+kd"],
    "all": TRMMLConfig(),
}


def facts(scenes: Scenes) -> list[set[str]]:
    """Return all names of categories, drawn and combined, that each scene shows."""
    found = []
    for boxes, colours in zip(scenes.boxes, scenes.colours, strict=True):
        things = [scenes.class_names[int(box[0])] for box in boxes]
        coloured = {f"{colour} {name}" for colour, name in zip(colours, things, strict=True)}
        pairs = {f"{one} and {other}" for one in coloured for other in things if other not in one}
        found.append({*things} | coloured | pairs)
    return found


def categories(shown: Sequence[set[str]], names: Sequence[str], number: int) -> list[str]:
    """Return the drawn things, then the combinations that most scenes show."""
    counted = Counter(name for scene in shown for name in scene if name not in names)
    combined = sorted(counted, key=lambda name: (-counted[name], name))
    return [*names, *combined][:number]


def labels_of(shown: Sequence[set[str]], names: Sequence[str]) -> Labels:
    """Return complete labels."""
    return torch.tensor([[1 if name in scene else -1 for name in names] for scene in shown])


def encoded(number: int, seed: int, encoders: EncoderPair) -> tuple[StoredFeatures, list[set[str]]]:
    """Draw scenes and encode them, some at a time; return what each shows, too."""
    shown: list[set[str]] = []

    def batches() -> Iterator[torch.Tensor]:
        for start in range(0, number, DRAWN_AT_ONCE):
            scenes = make_scenes(min(DRAWN_AT_ONCE, number - start), seed=seed + start)
            shown.extend(facts(scenes))
            yield torch.from_numpy(scenes.images)

    return encode_images(encoders.image, batches()), shown


def recipe_for(images: int, classes: int) -> Recipe:
    """Return the demo's recipe for as many steps as it takes on 2,000 scenes."""
    epochs = round(DEMO_RECIPE.epochs * USUAL[0] / images)
    sample = SAMPLED if classes >= MANY else None
    return replace(DEMO_RECIPE, epochs=epochs, class_sample=sample)


def measure(
    images: int,
    classes: int,
    learnt: tuple[StoredFeatures, list[set[str]]],
    judged: tuple[StoredFeatures, list[set[str]]],
    encoders: EncoderPair,
) -> Cell:
    """Train each method, and return what it scores."""
    features = StoredFeatures(*learnt[0][:images])
    shown = learnt[1][:images]
    # Ranked by the scenes of the usual number, so that more images are of the same categories.
    names = categories(learnt[1][: USUAL[0]], WORLD_CLASS_NAMES, classes)
    truth = labels_of(judged[1], names)
    known = hide_labels(labels_of(shown, names), KEEP, seed=0)
    texts = zero_shot_text_features(encoders.text, names)
    found: Cell = {
        "judged categories": int((truth == POSITIVE).any(dim=0).sum()),
        "zero-shot": percent_map(scored(judged[0], texts, dense=True), truth),
    }
    for name, config in CONFIGS.items():
        started = time.process_time()
        generator = torch.Generator().manual_seed(0)
        task = METHODS["trmml"].build(encoders, names, config=config, generator=generator)
        fit(task, features, known, recipe=recipe_for(images, classes))
        found[name] = percent_map(predict_logits(task.model, judged[0]), truth)
        found[f"{name}, seconds"] = round(time.process_time() - started)
    return found


def table(done: dict[str, Cell]) -> str:
    """Write a row for each number of images and of categories."""
    titles = ["images", "categories", "judged", "zero-shot", *CONFIGS, "seconds of all"]
    rows = []
    for key, cell in done.items():
        images, classes = map(int, key.split(" x "))
        scores = [f"{cell[name]:.1f}" for name in ("zero-shot", *CONFIGS)]
        judged, seconds = cell["judged categories"], cell["all, seconds"]
        rows.append([f"{images:,}", f"{classes:,}", f"{judged:,}", *scores, f"{seconds:,}"])
    return markdown_table(titles, rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train what is not done yet, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args(arguments)
    encoders = load_tiny()
    done: dict[str, Cell] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    cells = [(USUAL[0], classes) for classes in CATEGORIES]
    cells += [(images, USUAL[1]) for images in IMAGES if images != USUAL[0]]
    missing = [cell for cell in cells if f"{cell[0]} x {cell[1]}" not in done]
    if missing:
        judged = encoded(JUDGED, JUDGED_BY, encoders)
        learnt = encoded(USUAL[0], LEARNT_FROM, encoders)
        for images, classes in missing:
            if images > len(learnt[1]):
                learnt = encoded(images, LEARNT_FROM, encoders)
            cell = measure(images, classes, learnt, judged, encoders)
            done[f"{images} x {classes}"] = cell
            print(f"{images} images, {classes} categories: {cell}", flush=True)
            write_atomically(RESULTS, json.dumps(done, indent=1) + "\n")
    write_atomically(RESULTS.with_suffix(".md"), table(done) + "\n")
    print(table(done))


if __name__ == "__main__":
    main()
