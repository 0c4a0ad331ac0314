"""The methods that this library brings, and those from elsewhere."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Final

from trmml.models.coop import CoOpTask
from trmml.models.dualcoop import DualCoOpTask
from trmml.models.dualcoop_plus_plus import DualCoOpPlusPlusTask
from trmml.models.hspnet import HSPNetTask
from trmml.models.hst import HSTTask
from trmml.models.linear_probe import LinearProbeTask
from trmml.models.ml_gcn import MLGCNTask
from trmml.models.positive_coop import PositiveCoOpTask
from trmml.models.sarb import SARBTask
from trmml.models.scpnet import SCPNetTask
from trmml.models.ssgrl import SSGRLTask
from trmml.models.sst import SSTTask
from trmml.models.tai_dpt import TaIDPTTask
from trmml.models.task import Task
from trmml.models.trmml.task import TRMMLTask
from trmml.models.zero_shot_method import ZeroShotTask

__all__ = ["METHODS", "load_task"]

METHODS: Final[dict[str, type[Task]]] = {
    task.Model.Config.method: task
    for task in (
        TRMMLTask,
        ZeroShotTask,
        LinearProbeTask,
        CoOpTask,
        DualCoOpTask,
        DualCoOpPlusPlusTask,
        PositiveCoOpTask,
        SCPNetTask,
        HSPNetTask,
        TaIDPTTask,
        SSGRLTask,
        MLGCNTask,
        SSTTask,
        HSTTask,
        SARBTask,
    )
}
"""How each method is trained, by the name that configurations and saved models have."""


def load_task(place: str) -> type[Task]:
    """Import one's own method from a file; its code runs, so it should be one's own indeed.

    Args:
        place: The file and the name of the task in it, such as "my_file.py:MyTask".

    Raises:
        ValueError: If there is no such file, no such name in it, or the name is no `Task`.
    """
    file, _, name = place.rpartition(":")
    path = Path(file).resolve()
    if path.suffix != ".py" or not name or not path.is_file():
        raise ValueError(
            f"`task` must be a Python file and a class in it, such as my_file.py:MyTask, got "
            f"{place!r}{'' if path.is_file() or not file else f'; there is no file {path}'}."
        )
    module = sys.modules.get(path.stem)
    if module is None:
        spec = spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None:
            raise ValueError(f"`task`: {path} cannot be imported.")
        module = module_from_spec(spec)
        sys.modules[path.stem] = module  # its dataclasses look for themselves there
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[path.stem]
            raise
    elif Path(getattr(module, "__file__", None) or "").resolve() != path:
        raise ValueError(
            f"`task`: {path} must have a name of its own, but a module {path.stem!r} is loaded "
            "already; rename the file."
        )
    found = getattr(module, name, None)
    if not (isinstance(found, type) and issubclass(found, Task)):
        raise ValueError(f"`task`: {path} must define a `trmml.models.Task` named {name!r}.")
    return found
