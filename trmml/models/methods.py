"""The methods that this library brings, and those from elsewhere."""

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
from trmml.python_files import name_in_file

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
    found = name_in_file(place, argument="task", kind="class", example="my_file.py:MyTask")
    if not (isinstance(found, type) and issubclass(found, Task)):
        file, _, name = place.rpartition(":")
        raise ValueError(f"`task`: {file} must define a `trmml.models.Task` named {name!r}.")
    return found
