"""What the package promises: every public name exists, explains itself, and is in the API pages."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from torch import nn

import trmml

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs"  # nearly all in `api/`; a loss of the table stands on the page of losses
METHOD_PACKAGES = ["trmml.functional", "trmml.losses", "trmml.modules"]
DIFFERENCE = "Differs from the paper"
NO_EQUATION = {"RegionOutput"}  # public, and callable, but it computes nothing

PACKAGES = [
    f"trmml.{info.name}"
    for info in pkgutil.iter_modules(trmml.__path__)
    if not info.name.startswith("_") and info.name != "conftest"
]
# A package inside a package is a public door only if it says so, as `trmml.world` does.
PACKAGES += [
    ".".join(init.parent.relative_to(ROOT).parts)
    for init in sorted((ROOT / "trmml").glob("*/*/__init__.py"))
    if "__all__" in init.read_text()
]


def missing_names(package: ModuleType) -> list[str]:
    """List the names of `__all__` that the package does not have."""
    return [name for name in package.__all__ if not hasattr(package, name)]


def defines_something(value: Any) -> bool:  # noqa: ANN401 - any public object
    """Tell a class or a function from a constant or a type alias."""
    return inspect.isclass(value) or inspect.isroutine(value)


def undocumented_names(package: ModuleType) -> list[str]:
    """List public classes and functions without a docstring, or with a generated one."""
    wrong = []
    for name in package.__all__:
        value = getattr(package, name, None)
        written = getattr(value, "__doc__", None) or ""
        if defines_something(value) and (not written or written.startswith(f"{name}(")):
            wrong.append(name)
    return wrong


def is_method_part(value: Any) -> bool:  # noqa: ANN401 - any public object
    """Say whether a public object computes a part of the method: a function or a module."""
    return inspect.isroutine(value) or (inspect.isclass(value) and issubclass(value, nn.Module))


def silent_about_the_paper(package: ModuleType) -> list[str]:
    """List the method parts whose docstring does not say how they differ from the paper."""
    values = {name: getattr(package, name, None) for name in package.__all__}
    return [
        name
        for name, value in values.items()
        if is_method_part(value) and DIFFERENCE not in (inspect.getdoc(value) or "")
    ]


def without_a_source(package: ModuleType) -> list[str]:
    """List the callables whose docstring has no `Source:`, or no link to a paper."""
    values = {name: getattr(package, name, None) for name in package.__all__}
    found = []
    for name, value in values.items():
        text = inspect.getdoc(value) or ""
        linked = re.search(r"\]\(https://(doi\.org|arxiv\.org)/[\w./]+\)", text)
        if defines_something(value) and not (linked and re.search(r"^Source: ", text, re.M)):
            found.append(name)
    return found


def tables_of_pairs(package: ModuleType) -> list[str]:
    """List the modules that repeat the symbol table of the function in a file of the same name."""
    return [
        name
        for name in package.__all__
        if is_method_part(part := getattr(package, name, None))
        and (ROOT / "trmml" / "functional" / f"{part.__module__.rpartition('.')[2]}.py").is_file()
        and "| symbol |" in (inspect.getdoc(part) or "")
    ]


def short_name(identifier: str) -> str:
    """Return the public name of a function listed by its file, where both have the same name.

    The documentation would take `trmml.functional.unit_vectors` for the file.
    """
    return re.sub(r"(\.\w+)\1$", r"\1", identifier)


def listed_identifiers(folder: Path) -> set[str]:
    """Collect what the API pages render: the `::: identifier` lines."""
    text = "\n".join(page.read_text() for page in sorted(folder.rglob("*.md")))
    return set(re.findall(r"^\s*::: ([\w.]+)", text, re.MULTILINE))


def resolve(identifier: str) -> Any:  # noqa: ANN401 - any public object
    """Import the module of a dotted name and return what it names."""
    try:
        return importlib.import_module(identifier)
    except ModuleNotFoundError:
        home, _, name = identifier.rpartition(".")
        if not home:
            raise
        return getattr(resolve(home), name)


@pytest.fixture(params=PACKAGES)
def package(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(request.param)


def test_every_package_is_checked() -> None:
    assert {"trmml.labels", "trmml.functional", "trmml.world"} <= {*PACKAGES}


def test_all_is_explicit_and_true(package: ModuleType) -> None:
    assert missing_names(package) == []


def test_every_public_name_has_a_docstring(package: ModuleType) -> None:
    assert undocumented_names(package) == []


@pytest.mark.parametrize("name", METHOD_PACKAGES)
def test_every_method_part_says_how_it_differs_from_the_paper(name: str) -> None:
    assert silent_about_the_paper(importlib.import_module(name)) == []


@pytest.mark.parametrize("name", METHOD_PACKAGES)
def test_every_method_part_names_and_links_its_source(name: str) -> None:
    assert sorted({*without_a_source(importlib.import_module(name))} - NO_EQUATION) == []


def test_a_function_has_the_symbols_and_its_module_refers_to_them() -> None:
    functional, losses = map(importlib.import_module, ("trmml.functional", "trmml.losses"))
    assert tables_of_pairs(losses) == []
    for name in ("AsymmetricLoss", "MultimodalInfoNCE", "RegionDistillation"):
        part = getattr(losses, name)
        stem = part.__module__.rpartition(".")[2]
        assert f"`trmml.functional.{stem}`" in (inspect.getdoc(part) or "")
        assert "| symbol |" in (inspect.getdoc(getattr(functional, stem)) or "")


def test_the_model_says_how_it_differs_from_the_paper() -> None:
    assert DIFFERENCE in (inspect.getdoc(trmml.TRMML) or "")


def test_every_public_name_is_in_the_api_pages(package: ModuleType) -> None:
    expected = {f"{package.__name__}.{name}" for name in package.__all__}
    listed = listed_identifiers(PAGES)  # `trmml.atomic_write.atomic_write` is in full
    assert sorted(expected - listed - set(map(short_name, listed))) == []


@pytest.mark.parametrize("identifier", sorted(listed_identifiers(PAGES)))
def test_the_api_pages_list_only_what_exists(identifier: str) -> None:
    assert resolve(identifier) is not None


def hidden_by_a_file(identifiers: set[str]) -> list[str]:
    """List what is a function for Python, and a file of the same name for the documentation."""
    values = {name: resolve(name) for name in identifiers if name.count(".") > 1}
    return [
        name
        for name, value in values.items()
        if isinstance(value, ModuleType)
        and getattr(resolve(name.rpartition(".")[0]), name.rpartition(".")[2]) is not value
    ]


def test_the_api_pages_show_functions_and_not_their_files() -> None:
    parts = {name for name in listed_identifiers(PAGES) if name.startswith("trmml.functional.")}
    assert hidden_by_a_file(parts) == []
    wrong = "trmml.functional.unit_vectors"
    assert hidden_by_a_file({wrong, f"{wrong}.unit_vectors"}) == [wrong]


def test_the_front_door_opens_onto_every_part() -> None:
    assert missing_names(trmml) == []
    homes = {name: importlib.import_module(home) for name, home in trmml._HOME.items()}
    assert set(trmml.__all__) == set(homes)
    assert [name for name, home in homes.items() if name not in home.__all__] == []


@pytest.fixture
def careless() -> ModuleType:
    made = ModuleType("careless")
    code = (
        "from typing import NamedTuple\n"
        "from torch import nn\n"
        "class Part(nn.Module):\n    '''Do a thing.\n\n    Source: a paper.'''\n"
        "class Honest(nn.Module):\n    '''Do it. Differs from the paper: nothing.\n\n"
        "    Source: [one](https://arxiv.org/abs/1807.03748).'''\n"
        "class Silent(nn.Module):\n    pass\n"
        "class Output(NamedTuple):\n    logits: int\n"
        "LIMIT = 3\n"
        "__all__ = ['LIMIT', 'Part', 'Honest', 'Silent', 'Output', 'Absent']\n"
    )
    exec(code, vars(made))
    return made


def test_a_broken_promise_would_be_noticed(careless: ModuleType) -> None:
    assert missing_names(careless) == ["Absent"]


def test_a_missing_docstring_would_be_noticed(careless: ModuleType) -> None:
    assert undocumented_names(careless) == ["Silent", "Output"]


def test_silence_about_the_paper_would_be_noticed(careless: ModuleType) -> None:
    assert silent_about_the_paper(careless) == ["Part", "Silent"]


def test_a_source_without_a_link_would_be_noticed(careless: ModuleType) -> None:
    assert without_a_source(careless) == ["Part", "Silent", "Output"]


def test_identifiers_are_read_from_pages(tmp_path: Path) -> None:
    (tmp_path / "losses.md").write_text("# Losses\n\n::: trmml.losses.AsymmetricLoss\n    x: 1\n")
    assert listed_identifiers(tmp_path) == {"trmml.losses.AsymmetricLoss"}


def test_an_identifier_that_names_nothing_is_noticed() -> None:
    with pytest.raises(AttributeError):
        resolve("trmml.labels.nonsense")
