"""Run a training in processes that are killed at random moments, until one lives to the end.

`python -m tests.training.killed_run ROOT KILLS` prints how many were killed. Every life is a fork
of this process, which has imported everything and touched nothing.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import accelerate
import filelock
import matplotlib.backends.backend_agg
import open_clip
import pydantic
import timm
import torchvision.transforms.v2
from torch.utils import tensorboard

from tests.training.squares_run import cached, squares_config
from trmml.training import RunConfig, run_training

IMPORTED_ONCE = (
    accelerate, filelock, matplotlib, open_clip, pydantic, tensorboard, timm, torchvision
)  # fmt: skip


def start(config: RunConfig, folder: Path) -> int:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            run_training(config, folder, resume=True)
            code = 0
        finally:
            os._exit(code)
    return child


def kill_and_resume(root: Path, kills: int) -> dict[str, object]:
    config = squares_config(root, cache=cached(root))
    wait(start(config, root / "whole"))
    began = time.monotonic()
    wait(start(config, root / "again"))
    duration = time.monotonic() - began
    (root / "cache").rename(root / "cache of the other runs")

    random.seed(0)
    killed, runs = 0, [root / "killed-0"]
    reached = set()
    while killed < kills:
        child = start(config, runs[-1])
        time.sleep(random.uniform(0, 0.8 * duration))
        os.kill(child, signal.SIGKILL)
        if wait(child):
            killed += 1
        else:  # it was quicker, and ended well
            runs.append(root / f"killed-{len(runs)}")
        reached |= {path.name[:13] for path in runs[-1].glob("checkpoints/step-*")}
    wait(start(config, runs[-1]))
    return {"killed": killed, "reached": sorted(reached), "runs": [run.name for run in runs]}


def wait(child: int) -> bool:
    """Return whether a life was killed; one that ended by itself has to have ended well."""
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit(f"a life ended by itself with {os.WEXITSTATUS(status)}")
    return os.WIFSIGNALED(status)


if __name__ == "__main__":
    print(json.dumps(kill_and_resume(Path(sys.argv[1]), int(sys.argv[2]))))
