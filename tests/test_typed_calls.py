"""What a type checker says to somebody who installed the package."""

import importlib
import pkgutil
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from torch import nn
from torchmetrics import Metric

import trmml
from trmml.typed_module import TypedModule

ROOT = Path(__file__).parents[1]

CODE = """
from typing import assert_type

from torch import Tensor

from trmml import TRMML, AsymmetricLoss, CategoryAwareRegionDecoder, DualPromptLearner
from trmml.losses import RegionDistillation, ROLELoss
from trmml.models import ModelOutput, MultiLabelModel, Scores, TRMMLOutput
from trmml.models.coop import CoOp
from trmml.modules import RegionOutput
from trmml.prediction import open_model


def right(
    model: TRMML,
    coop: CoOp,
    opened: MultiLabelModel[ModelOutput],
    decoder: CategoryAwareRegionDecoder,
    prompts: DualPromptLearner,
    loss: AsymmetricLoss,
    role: ROLELoss,
    distillation: RegionDistillation,
    x: Tensor,
) -> None:
    assert_type(model(x), TRMMLOutput)
    assert_type(model(x, classes=x), TRMMLOutput)
    assert_type(coop(x), Scores)
    assert_type(open_model("folder"), MultiLabelModel[ModelOutput])
    assert_type(opened(x).logits, Tensor)
    assert_type(model.predict(["a.jpg", "b.jpg"]), Tensor)
    assert_type(decoder(x, query_branch=False), RegionOutput)
    assert_type(prompts(), tuple[Tensor, Tensor])
    assert_type(loss(x, x), Tensor)
    assert_type(role(x, x, rows=x), Tensor)


def wrong(model: TRMML, loss: AsymmetricLoss, x: Tensor) -> None:
    loss(x)  # pyright: ignore[reportCallIssue]
    loss(x, "labels")  # pyright: ignore[reportArgumentType]
    model(x).energies  # pyright: ignore[reportAttributeAccessIssue]
    model.predict(3)  # pyright: ignore[reportArgumentType]
"""


def public_modules() -> list[type[nn.Module]]:
    """Return every `nn.Module` that a package offers, but for other libraries' metrics."""
    names = [name for _, name, is_package in pkgutil.iter_modules(trmml.__path__) if is_package]
    offered = [importlib.import_module(f"trmml.{name}") for name in names if name != "configs"]
    found = {
        value
        for package in offered
        for value in (getattr(package, name) for name in getattr(package, "__all__", ()))
        if isinstance(value, type)
        and issubclass(value, nn.Module)
        and not issubclass(value, Metric)
    }
    return sorted(found, key=lambda one: one.__qualname__)


def test_every_module_that_is_offered_is_typed():
    assert len(public_modules()) > 30
    assert [one for one in public_modules() if not issubclass(one, TypedModule)] == []


def test_at_run_time_it_is_a_module_and_nothing_else():
    assert TypedModule.__call__ is nn.Module.__call__
    assert set(vars(TypedModule)) - set(vars(type("Bare", (nn.Module,), {}))) == set()


def test_the_checker_of_an_installed_package_knows_what_calls_return(tmp_path: Path):
    """Installed, because of a package with `py.typed` a checker trusts declarations alone."""
    pyright = shutil.which("pyright", path=str(Path(sys.executable).parent)) or shutil.which(
        "pyright"
    )
    if pyright is None:
        pytest.skip("pyright is not installed; `pip install --group lint` brings it")
    real = Path(sysconfig.get_paths()["purelib"])
    installed = tmp_path / "venv" / real.relative_to(sys.prefix)
    installed.mkdir(parents=True)
    for part in real.iterdir():
        if "trmml" not in part.name and part.suffix != ".pth":
            (installed / part.name).symlink_to(part)
    shutil.copytree(ROOT / "trmml", installed / "trmml")
    assert (installed / "trmml" / "py.typed").is_file()
    (tmp_path / "theirs.py").write_text(CODE)
    (tmp_path / "pyrightconfig.json").write_text(
        '{"venvPath": ".", "venv": "venv", "include": ["theirs.py"],'
        ' "reportUnnecessaryTypeIgnoreComment": "error"}'
    )
    said = subprocess.run([pyright, "-p", "."], cwd=tmp_path, capture_output=True, text=True)
    assert said.returncode == 0, said.stdout
