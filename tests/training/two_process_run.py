"""`torchrun ... -m tests.training.two_process_run ROOT FOLDER`: one process of some runs.

`--stop` ends the first within an epoch, `--remembering` has only losses that remember images.
"""

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.losses.every_loss import REMEMBERING
from tests.training.squares_run import for_method, squares_config
from trmml.models import METHODS, LossConfig, TRMMLConfig
from trmml.training import Recipe, RunConfig, TrainingStopped, load_run_config, run_training
from trmml.training.loop.acceleration import end_processes

# Three epochs are all: what begins later would not be seen. Small models do as well. One method
# has to be told what no default says.
EARLY: dict[str, dict[str, Any]] = {
    "ssgrl": {"width": 16},
    "ml-gcn": {"width": 16},
    "hspnet": {"super_classes": {"warm": ["red"], "cold": ["green", "blue"]}},
    "sst": {"width": 16, "pair_width": 8, "transfer_epoch": 1, "threshold": 0.5},
    "hst": {"width": 16, "pair_width": 8, "transfer_epoch": 1},
    "sarb": {"width": 16, "blend_epoch": 1, "num_prototypes": 2},
}

STACKED = ("dualcoop", "tai-dpt")  # learnt from images, and from captions


def uneven_config(root: Path) -> RunConfig:
    """30 images in steps of 29: 15 and 14, then one and none, for two processes."""
    recipe = Recipe(epochs=3, batch_size=29, max_lr=4e-3, ema_decay=0.8)
    return replace(squares_config(root), recipe=recipe, checkpoint_every=None)


def other_methods(root: Path) -> dict[str, RunConfig]:
    """Return a run for every other method, two of which predict by a stack; one completes once."""
    config = uneven_config(root)
    stacked = replace(config, prediction="stack")  # takes longer than all else
    others = {
        name: _in_its_manner(name, for_method(name, stacked if name in STACKED else config, root))
        for name in METHODS
        if name != config.model.method
    }
    calibrated = TRMMLConfig(completion="calibrated", present_precision=0.5, absent_precision=0.5)
    return {**others, "calibrated": replace(config, model=calibrated)}


def remembering(root: Path) -> dict[str, RunConfig]:
    """Return a run for each loss that remembers images."""
    config = uneven_config(root)
    return {
        name: replace(config, model=TRMMLConfig(loss=LossConfig(name, settings)))
        for name, settings in REMEMBERING.items()
    }


def _in_its_manner(name: str, config: RunConfig) -> RunConfig:
    """Begin early what begins late, and descend as the method's own recipe does."""
    config = replace(config, model=replace(config.model, **EARLY.get(name, {})))
    if load_run_config(name).recipe.optimizer == "adamw":
        return config
    # Without AdamW's scaling steps are to be larger.
    return replace(config, recipe=replace(config.recipe, optimizer="sgd", max_lr=0.1))


def main(root: Path, folder: Path, *, stop: bool) -> None:
    def interrupt(title: str, done: int, total: int) -> None:
        # One process alone gets the signal; all have to stop after the same step.
        if stop and (title, done) == ("Training", 3) and os.environ.get("RANK") == "1":
            os.kill(os.getpid(), signal.SIGTERM)

    try:
        run_training(uneven_config(root), folder, resume=True, progress=interrupt)
        for name, config in other_methods(root).items():
            run_training(config, folder / name, resume=True)
    except TrainingStopped:
        print("stopped", flush=True)
    else:
        end_processes()
        print_threads_of_gloo()


def print_threads_of_gloo() -> None:
    """Name what may abort this process when Python has ended."""
    for file in Path("/proc/self/task").glob("*/comm"):
        if "gloo" in (name := file.read_text().strip()):
            print(f"{name} still runs", flush=True)


def main_remembering(root: Path, folder: Path) -> None:
    for name, config in remembering(root).items():
        run_training(config, folder / name)


if __name__ == "__main__":
    if "--remembering" in sys.argv:
        main_remembering(Path(sys.argv[1]), Path(sys.argv[2]))
    else:
        main(Path(sys.argv[1]), Path(sys.argv[2]), stop="--stop" in sys.argv)
