"""How often the page of `trmml serve` says of a typed word that it stands out.

    python -m benchmarks.typed_words
    python -m benchmarks.typed_words --coco256 DIR

asks of every image: each category that it shows, each other one, and 200 made-up words; of the
generated world with the tiny pair, or of 128 photographs of COCO with the real pair.
"""

import argparse
import random
from pathlib import Path

import torch

from benchmarks.worlds import generated, real_coco256
from trmml.labels import POSITIVE
from trmml.markdown_table import markdown_table, percent
from trmml.models import zero_shot_text_features
from trmml.page.neutral_words import NEUTRAL_WORDS
from trmml.page.photo_inspector import stand_out

SOUNDS = (
    "b bl br ch d dr f fl g gr h j k kl l m n p pr qu r s sk sl st t tr v w z",
    "a e i o u oo ea ai",
    "b ck d ft g lk m n nd p rk sh st t x zz",
)


def made_up_words(count: int, known: set[str], *, seed: int = 0) -> list[str]:
    """Draw words of one or two syllables, none of them known."""
    draw = random.Random(seed)
    words: dict[str, None] = {}
    while len(words) < count:
        syllables = draw.choice((1, 2))
        parts = (draw.choice(kind.split()) for _ in range(syllables) for kind in SOUNDS)
        word = "".join(parts)
        if word not in known:
            words[word] = None
    return [*words]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--coco256", type=Path, help="folder of photographs, in COCO's layout")
    options = parser.parse_args()
    world = generated() if options.coco256 is None else real_coco256(options.coco256)
    made_up = made_up_words(200, {*world["names"], *NEUTRAL_WORDS})
    names, invented, neutral = (
        zero_shot_text_features(world["encoders"].text, words).float()
        for words in (world["names"], made_up, NEUTRAL_WORDS)
    )
    shown = world["judged_truth"] == POSITIVE
    features = world["judged"][:].dense.float()
    named = torch.stack([stand_out(names, one, neutral=neutral) for one in features])
    nonsense = torch.stack([stand_out(invented, one, neutral=neutral) for one in features])
    kinds = {"shown": named[shown], "not shown": named[~shown], "made up": nonsense.flatten()}
    rows = [
        (kind, f"{len(found):,}", percent(float(found.double().mean())))
        for kind, found in kinds.items()
    ]
    print(f"{len(features)} images")
    print(markdown_table(("word", "asked", "stands out (%)"), rows))


if __name__ == "__main__":
    main()
