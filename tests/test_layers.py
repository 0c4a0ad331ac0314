"""Arrows between the packages point downwards only: a lower layer never imports a higher one."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "trmml"

LAYERS = {
    "class_names": 0,
    "json_text": 0,
    "markdown_table": 0,
    "labels": 0,
    "atomic_write": 0,
    "choices": 0,
    "functional": 1,
    "distributed": 1,
    "metrics": 2,
    "data": 2,
    "world": 2,
    "encoders": 2,
    "modules": 3,
    "losses": 3,
    "models": 4,
    "prediction": 5,
    "sharing": 5,
    "training": 6,
    "demo": 7,
    "page": 7,
    "cli": 8,
}


def own_imports(path: Path, package: Path) -> Iterator[str]:
    """Yield the dotted names, below the package, of everything a file imports from it.

    Imports inside functions and under `TYPE_CHECKING` count like any other.
    """
    here = [package.name, *path.relative_to(package).with_suffix("").parts]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = here[: -node.level] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{origin}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.startswith(f"{package.name}."):
                yield name.removeprefix(f"{package.name}.")


def upward_imports(package: Path) -> list[str]:
    """Describe every import that leaves its own package for one that is not strictly lower."""
    wrong = []
    for path in sorted(package.rglob("*.py")):
        layer = path.relative_to(package).parts[0].removesuffix(".py")
        if layer in ("__init__", "__main__", "conftest"):
            continue
        where = path.relative_to(package.parent).as_posix()
        if layer not in LAYERS:
            wrong.append(f"{where} belongs to no layer")
            continue
        for name in own_imports(path, package):
            target = name.split(".")[0]
            if target.startswith("__") or target == layer:
                continue
            if LAYERS.get(target, len(LAYERS)) >= LAYERS[layer]:
                wrong.append(f"{where} imports {target}")
    return wrong


def test_no_layer_imports_a_higher_one_or_a_sibling() -> None:
    assert upward_imports(PACKAGE) == []


def test_every_layer_is_there() -> None:
    found = {path.stem for path in PACKAGE.iterdir() if not path.name.startswith("_")}
    assert set(LAYERS) <= found


@pytest.mark.parametrize(
    "statement",
    [
        "from trmml.losses import AsymmetricLoss",
        "import trmml.losses.asymmetric_loss",
        "from trmml import losses",
        "from ..losses import AsymmetricLoss",
        "from .. import losses",
        "from trmml import TRMML",
        "def late():\n    from trmml.losses import AsymmetricLoss",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from trmml.losses import A",
    ],
)
def test_an_upward_import_is_found_in_every_form(tmp_path: Path, statement: str) -> None:
    offender = tmp_path / "trmml" / "functional" / "asymmetric.py"
    offender.parent.mkdir(parents=True)
    offender.write_text(statement + "\n")
    assert len(upward_imports(tmp_path / "trmml")) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "import torch",
        "from trmml import __version__",
        "from trmml.labels import known_mask",
        "from trmml.functional.matching import matching_logits",
        "from .matching import matching_logits",
        "from ..labels import known_mask",
    ],
)
def test_downward_and_own_imports_are_allowed(tmp_path: Path, statement: str) -> None:
    innocent = tmp_path / "trmml" / "functional" / "asymmetric.py"
    innocent.parent.mkdir(parents=True)
    innocent.write_text(statement + "\n")
    assert upward_imports(tmp_path / "trmml") == []


def test_siblings_of_one_layer_do_not_know_each_other(tmp_path: Path) -> None:
    offender = tmp_path / "trmml" / "losses" / "info.py"
    offender.parent.mkdir(parents=True)
    offender.write_text("from trmml.modules import PrototypeMemoryBank\n")
    assert upward_imports(tmp_path / "trmml") == ["trmml/losses/info.py imports modules"]


def test_a_new_package_must_be_given_a_layer(tmp_path: Path) -> None:
    stray = tmp_path / "trmml" / "extras" / "thing.py"
    stray.parent.mkdir(parents=True)
    stray.write_text("")
    assert upward_imports(tmp_path / "trmml") == ["trmml/extras/thing.py belongs to no layer"]
