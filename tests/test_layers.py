"""Arrows between the packages point downwards only: a lower layer never imports a higher one."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "trmml"

LAYERS = {
    "class_names": 0,
    "json_text": 0,
    "extras": 0,
    "typed_module": 0,
    "python_files": 0,
    "markdown_table": 0,
    "charts": 0,
    "labels": 0,
    "atomic_write": 1,
    "onnx_graph": 1,
    "regular_files": 0,
    "choices": 0,
    "stored_files": 1,
    "functional": 1,
    "distributed": 1,
    "completion": 2,
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
    "bridges": 6,
    "demo": 7,
    "page": 7,
    "cli": 8,
}


ROOMS = {
    "training": {"config": 0, "sources": 0, "feature_cache": 1, "loop": 1, "run": 2},
}
"""Layers inside a package, by the same rule."""


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


def imports_between_rooms(package: Path, name: str, rooms: dict[str, int]) -> list[str]:
    """Describe every import of a package's rooms that does not go downwards."""
    wrong = []
    for path in sorted((package / name).rglob("*.py")):
        inside = path.relative_to(package / name).parts
        where = path.relative_to(package.parent).as_posix()
        if len(inside) == 1:
            if inside != ("__init__.py",):
                wrong.append(f"{where} stands in no room")
            continue
        for imported in own_imports(path, package):
            home, _, rest = imported.partition(".")
            room = rest.split(".")[0]
            if home == name and room != inside[0] and rooms.get(room, 99) >= rooms[inside[0]]:
                wrong.append(f"{where} imports {imported}")
    return wrong


def import_circles(package: Path) -> list[str]:
    """Name the files that import themselves by way of others, imports for types included."""
    files = {
        ".".join(path.relative_to(package).with_suffix("").parts): path
        for path in package.rglob("*.py")
    }

    def file_of(name: str) -> str | None:
        for candidate in (name, name.rpartition(".")[0]):
            for form in (candidate, f"{candidate}.__init__"):
                if form in files:
                    return form
        return None

    targets = {
        name: {found for imported in own_imports(path, package) if (found := file_of(imported))}
        for name, path in files.items()
    }

    def reaches(start: str) -> bool:
        seen, waiting = set(), [*targets[start]]
        while waiting:
            name = waiting.pop()
            if name == start:
                return True
            if name not in seen:
                seen.add(name)
                waiting += targets[name]
        return False

    return sorted(name for name in files if reaches(name))


def test_no_layer_imports_a_higher_one_or_a_sibling() -> None:
    assert upward_imports(PACKAGE) == []


@pytest.mark.parametrize("name", ROOMS)
def test_inside_a_package_imports_go_downwards_too(name: str) -> None:
    assert imports_between_rooms(PACKAGE, name, ROOMS[name]) == []
    assert {path.name for path in (PACKAGE / name).iterdir() if path.is_dir()} - {
        "__pycache__"
    } == {*ROOMS[name]}


def test_no_file_imports_itself_by_way_of_others() -> None:
    assert import_circles(PACKAGE) == []


def test_a_circle_and_an_import_between_rooms_would_be_found(tmp_path: Path) -> None:
    package = tmp_path / "trmml"
    for room in ("loop", "run"):
        (package / "training" / room).mkdir(parents=True)
    (package / "training" / "loop" / "state.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
        "    from trmml.training.run.folder import RunFolder\n"
    )
    (package / "training" / "run" / "folder.py").write_text(
        "from trmml.training.loop.state import RunState\n"
    )
    (package / "training" / "stray.py").write_text("")
    assert import_circles(package) == ["training.loop.state", "training.run.folder"]
    assert imports_between_rooms(package, "training", {"loop": 0, "run": 1}) == [
        "trmml/training/loop/state.py imports training.run.folder.RunFolder",
        "trmml/training/stray.py stands in no room",
    ]


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
    stray = tmp_path / "trmml" / "annexe" / "thing.py"
    stray.parent.mkdir(parents=True)
    stray.write_text("")
    assert upward_imports(tmp_path / "trmml") == ["trmml/annexe/thing.py belongs to no layer"]
