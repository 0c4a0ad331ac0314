"""What importing does: quick, light, without the optional towers, and without side effects."""

import ast
import os
import re
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Collection
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = (
    *("torch", "timm", "open_clip", "torchvision", "numpy", "matplotlib", "rich", "typer"),
    *("huggingface_hub", "PIL", "accelerate"),
)
OPTIONAL = ("timm", "open_clip", "torchvision", "matplotlib", "rich", "typer")


def run_fresh(code: str, *, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run code in a new interpreter, with `path` searched first and shape checks off."""
    environment = {name: value for name, value in os.environ.items() if name != "TRMML_TYPECHECK"}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
    )


def output_of(code: str, *, path: Path | None = None) -> str:
    result = run_fresh(code, path=path)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def import_seconds(package: str, *, path: Path | None = None) -> float:
    clock = f"""
        import time
        start = time.perf_counter()
        import {package}
        print(time.perf_counter() - start)
    """
    return min(float(output_of(clock, path=path)) for _ in range(5))


def loaded_by(package: str, *, path: Path | None = None) -> set[str]:
    """Name the heavy packages that importing `package` loads."""
    listing = f"import sys, {package}; print(*(name for name in {HEAVY} if name in sys.modules))"
    return set(output_of(listing, path=path).split())


def without(names: tuple[str, ...], code: str) -> str:
    """Prepend a finder that refuses `names`, as if they were not installed."""
    blocker = f"""
        import sys
        class Absent:
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] in {names}:
                    raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
        sys.meta_path.insert(0, Absent())
    """
    return textwrap.dedent(blocker) + textwrap.dedent(code)


def patched_by(package: str, *, path: Path | None = None, after: tuple[str, ...] = ()) -> list[str]:
    """Name what importing all of `package` replaces in torch and numpy, or adds to them.

    The libraries that the package builds on come first, as `after`, so that their own doings do
    not count; submodules that appear because something imports them are no patch.
    """
    return output_of(
        f"""
        import contextlib, importlib, pkgutil, types
        import numpy, torch
        for name in {after}:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        watched = [torch, torch.Tensor, torch.nn, torch.nn.Module, torch.nn.functional,
                   torch.optim, torch.linalg, torch.utils.data, numpy, numpy.random, numpy.linalg]
        before = [dict(vars(owner)) for owner in watched]
        package = importlib.import_module({package!r})
        for info in pkgutil.walk_packages(package.__path__, {package!r} + "."):
            if not info.name.endswith((".conftest", ".__main__")):
                importlib.import_module(info.name)
        for owner, old in zip(watched, before, strict=True):
            for name, value in vars(owner).items():
                new_submodule = name not in old and isinstance(value, types.ModuleType)
                if old.get(name, value if new_submodule else None) is not value:
                    print(owner.__name__ + "." + name)
        """,
        path=path,
    ).split()


def brought_by(library: str) -> set[str]:
    """Name what an installed library itself requires, extras aside."""
    required = [text for text in requires(library) or [] if "extra ==" not in text]
    return {re.split(r"[^\w.-]", text)[0] for text in required}


def undeclared_imports(
    package: Path, project: dict[str, Any], *, brought: Collection[str] = ()
) -> set[str]:
    """Name the libraries that a package imports and its project neither asks for nor is brought."""
    required = [*project["dependencies"], *brought]
    for extra in project["optional-dependencies"].values():
        required += extra
    declared = {re.split(r"[^\w.-]", text)[0].lower().replace("-", "_") for text in required}
    imported = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.split(".")[0])
    imported -= {package.name, *sys.stdlib_module_names}
    other_names = {
        "PIL": "pillow",
        "yaml": "pyyaml",
        "open_clip": "open_clip_torch",
        "sklearn": "scikit_learn",
    }
    return {name for name in imported if other_names.get(name, name) not in declared}


def write_module(folder: Path, name: str, code: str) -> None:
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(textwrap.dedent(code))


def test_import_takes_less_than_a_third_of_a_second() -> None:
    assert import_seconds("trmml") < 0.3


def test_a_slow_import_would_be_noticed(tmp_path: Path) -> None:
    write_module(tmp_path, "sluggish", "import time; time.sleep(0.35)")
    assert import_seconds("sluggish", path=tmp_path) > 0.3


def test_import_loads_nothing_heavy() -> None:
    assert loaded_by("trmml") == set()


def test_a_heavy_import_would_be_noticed(tmp_path: Path) -> None:
    write_module(tmp_path, "greedy", "import numpy")
    assert "numpy" in loaded_by("greedy", path=tmp_path)


@pytest.mark.parametrize("package", ["trmml.functional", "trmml.losses", "trmml.modules"])
def test_the_method_parts_load_no_towers_and_no_tools(package: str) -> None:
    assert loaded_by(package) <= {"torch", "numpy"}


def test_the_functions_load_no_compiler() -> None:
    code = "import sys, trmml.functional; print(*sys.modules)"
    assert "torch._dynamo" not in output_of(code).split()


def test_a_loss_works_where_the_towers_are_not_installed() -> None:
    code = without(
        OPTIONAL,
        """
        import torch
        from trmml import AsymmetricLoss
        loss = AsymmetricLoss()(torch.zeros(2, 3), torch.tensor([[1, 0, -1], [0, 1, -1]]))
        print(loss.isfinite().item())
        """,
    )
    assert output_of(code) == "True"


@pytest.mark.parametrize(
    "package", ["functional", "losses", "modules", "metrics", "data", "encoders"]
)
def test_a_package_imports_where_the_towers_are_not_installed(package: str) -> None:
    output_of(without(OPTIONAL, f"import trmml.{package}"))


def test_the_blocker_blocks() -> None:
    result = run_fresh(without(OPTIONAL, "import timm"))
    assert "No module named 'timm'" in result.stderr


def test_importing_everything_patches_nothing() -> None:
    assert patched_by("trmml", after=(*OPTIONAL, "torchmetrics")) == []


def test_a_patch_would_be_noticed(tmp_path: Path) -> None:
    write_module(
        tmp_path,
        "meddler",
        """
        import numpy, torch
        torch.nn.functional.relu = lambda tensor: tensor
        torch.Tensor.shout = lambda self: "!"
        numpy.float = float
        """,
    )
    found = patched_by("meddler", path=tmp_path)
    assert sorted(found) == ["Tensor.shout", "numpy.float", "torch.nn.functional.relu"]


def test_every_imported_library_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    # The list of core libraries is fixed; what they cannot do without comes along with them.
    brought = {*brought_by("timm"), *brought_by("torchvision"), *brought_by("gradio")}
    assert undeclared_imports(ROOT / "trmml", project, brought=brought) == set()


def test_the_core_needs_the_seven_libraries_it_promises() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[^\w.-]", text)[0] for text in project["dependencies"]}
    core = {"torch", "timm", "open_clip_torch", "einops", "numpy", "jaxtyping", "beartype"}
    assert names == core


def test_what_others_bring_is_known() -> None:
    assert {"torch", "torchvision", "safetensors"} <= brought_by("timm")
    assert "pillow" in brought_by("torchvision")


def test_an_undeclared_library_would_be_noticed(tmp_path: Path) -> None:
    write_module(tmp_path, "needy", "import os, yaml\nfrom PIL import Image\nimport einops.layers")
    project = {"dependencies": ["einops>=0.8"], "optional-dependencies": {"x": ["pillow"]}}
    assert undeclared_imports(tmp_path / "needy", project) == {"yaml"}


def test_an_unknown_name_is_an_attribute_error() -> None:
    import trmml

    with pytest.raises(AttributeError, match="module 'trmml' has no attribute 'Nonsense'"):
        _ = trmml.Nonsense


def test_shape_checks_can_be_switched_on() -> None:
    code = """
        import os
        os.environ["TRMML_TYPECHECK"] = "1"
        import torch
        from trmml.labels import known_mask
        try:
            known_mask(torch.zeros(3))
        except Exception as error:
            print(type(error).__name__)
    """
    assert output_of(code) == "TypeCheckError"
