"""House rules that a reader of the source relies on, each proved to catch an offender."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST_LINES = 350
VAGUE_NAMES = {"utils", "util", "common", "helpers", "helper", "misc"}
GLOBAL_STATE = {
    "torch.manual_seed",
    "torch.random.manual_seed",
    "torch.cuda.manual_seed",
    "torch.cuda.manual_seed_all",
    "torch.set_default_dtype",
    "torch.set_default_device",
    "torch.use_deterministic_algorithms",
    "numpy.random.seed",
    "np.random.seed",
    "random.seed",
}
SAVES_TO = {  # the place of the argument that says where to
    "torch.save": 1,
    "torch.export.save": 1,
    "np.save": 0,
    "np.savez": 0,
    "np.savez_compressed": 0,
    "np.savetxt": 0,
    "save_file": 1,
}
# Methods and functions of that name which write through `trmml.atomic_write`, or nothing.
OWN_SAVES = {"save", "mask.save", "self.save", "callbacks.save", "self.checkpoints.save"}
# Whatever else writes goes through `trmml.atomic_write`.
WRITES_BY_ITSELF = {
    "atomic_write.py": "the one home",
    "models/hub.py": "a folder that is gone after its upload",
    "page/upload_folder.py": "a folder that is gone when the page is",
    "training/feature_cache/feature_file.py": "gigabytes in place, block by block, under checksums",
}

Rule = Callable[[Path], Iterator[str]]


def too_long(path: Path) -> Iterator[str]:
    lines = len(path.read_text().splitlines())
    if lines > MOST_LINES:
        yield f"{lines} lines"


def vague_name(path: Path) -> Iterator[str]:
    if path.stem.strip("_") in VAGUE_NAMES or VAGUE_NAMES & {*path.parent.parts}:
        yield "says nothing about its content"


def postponed_annotations(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            yield f"line {node.lineno}: __future__ hides annotations from the shape checks"


def assertion(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Assert):
            yield f"line {node.lineno}: assert vanishes under -O; raise an error that helps"


def unsafe_loading(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            origins = {alias.name for alias in node.names}
            if isinstance(node, ast.ImportFrom):
                # The error that torch raises where it refuses a file does no harm.
                origins = {node.module or ""} if origins != {"UnpicklingError"} else set()
            if {origin.split(".")[0] for origin in origins} & {"pickle", "dill", "cloudpickle"}:
                yield f"line {node.lineno}: pickle runs what it reads"
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
            options = {word.arg: ast.unparse(word.value) for word in node.keywords}
            if options.get("weights_only") != "True":
                yield f"line {node.lineno}: torch.load without weights_only=True"


def global_state(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in GLOBAL_STATE:
            yield f"line {node.lineno}: {ast.unparse(node.func)} changes the caller's state"
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and ast.unparse(node.value.func) == "torch.set_grad_enabled"
        ):
            yield f"line {node.lineno}: torch.set_grad_enabled outside a `with`"


def writing_call(node: ast.AST, streams: set[str]) -> bool:
    """Say whether a line opens a file for writing, or saves to what is no open file."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        origins = [alias.name for alias in node.names]
        return "tempfile" in ([node.module] if isinstance(node, ast.ImportFrom) else origins)
    if not isinstance(node, ast.Call):
        return False
    name = ast.unparse(node.func)
    if name in SAVES_TO:
        target = node.args[SAVES_TO[name] :][:1] or [word.value for word in node.keywords]
        return ast.unparse(target[0]) not in streams
    last = name.rpartition(".")[2]
    if last == "save" and name not in OWN_SAVES and node.args:  # a picture's
        return ast.unparse(node.args[0]) not in streams
    if last in ("open", "fdopen"):
        # `open` and `os.open` take the path first, the method of a path the mode.
        given = node.args[1:2] if name == last else node.args[:2]
        given = [*given, *(word.value for word in node.keywords if word.arg == "mode")]
        modes = [value.value for value in given if isinstance(value, ast.Constant)]
        return any(re.fullmatch(r"[rbt]*[wax+][wax+rbt]*", str(mode)) for mode in modes)
    return last in ("write_text", "write_bytes")


def writing(path: Path) -> Iterator[str]:
    """Find files written in another way than whole or not at all."""
    tree = ast.parse(path.read_text())
    streams = {
        ast.unparse(item.optional_vars)
        for node in ast.walk(tree)
        if isinstance(node, ast.With)
        for item in node.items
        if item.optional_vars is not None
    }
    streams |= {
        ast.unparse(node.targets[0])
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and ast.unparse(node.value).endswith("BytesIO()")
    }
    for node in ast.walk(tree):
        if writing_call(node, streams):
            yield f"line {getattr(node, 'lineno', 0)}: write through trmml.atomic_write"


def writing_elsewhere(path: Path) -> Iterator[str]:
    if not any(path == ROOT / "trmml" / name for name in WRITES_BY_ITSELF):
        yield from writing(path)


def unreadable_docstring(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            text = ast.get_docstring(node) or ""
            name = getattr(node, "name", "the module")
            if re.search(r"^Example:$", text, re.MULTILINE):
                yield f"{name}: the section is called `Examples:`, or the API pages garble it"
            if re.search(r"\$\$\n *\$\$", text):
                yield f"{name}: equations need an empty line between them to be set apart"


PACKAGE_RULES: list[Rule] = [
    too_long,
    vague_name,
    postponed_annotations,
    assertion,
    unsafe_loading,
    global_state,
    writing_elsewhere,
    unreadable_docstring,
]
EVERYWHERE_RULES: list[Rule] = [vague_name, postponed_annotations]


def offenders(rule: Rule, *folders: str) -> list[str]:
    """Apply a rule to every Python file of some folders of the project."""
    found = []
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path.name != "conftest.py":
                found += [f"{path.relative_to(ROOT)}: {complaint}" for complaint in rule(path)]
    return found


@pytest.mark.parametrize("rule", PACKAGE_RULES)
def test_the_package_keeps(rule: Rule) -> None:
    assert offenders(rule, "trmml") == []


@pytest.mark.parametrize("rule", EVERYWHERE_RULES)
def test_tests_examples_and_benchmarks_keep(rule: Rule) -> None:
    assert offenders(rule, "tests", "examples", "benchmarks") == []


@pytest.mark.parametrize("name", WRITES_BY_ITSELF)
def test_what_may_write_by_itself_still_does(name: str) -> None:
    assert list(writing(ROOT / "trmml" / name)) != []


def test_examples_and_benchmarks_stay_short() -> None:
    assert offenders(too_long, "examples", "benchmarks") == []


@pytest.mark.parametrize(
    ("rule", "name", "code"),
    [
        (too_long, "long.py", "x = 1\n" * (MOST_LINES + 1)),
        (vague_name, "utils.py", ""),
        (vague_name, "_helpers.py", ""),
        (vague_name, "common/__init__.py", ""),
        (postponed_annotations, "late.py", "from __future__ import annotations\n"),
        (assertion, "checks.py", "def f(x):\n    assert x > 0\n"),
        (unsafe_loading, "a.py", "import pickle\n"),
        (unsafe_loading, "b.py", "from pickle import loads\n"),
        (unsafe_loading, "c.py", "import torch\ntorch.load('x')\n"),
        (unsafe_loading, "d.py", "import torch\ntorch.load('x', weights_only=False)\n"),
        (global_state, "e.py", "import torch\ntorch.manual_seed(0)\n"),
        (global_state, "f.py", "import torch\ntorch.set_grad_enabled(False)\n"),
        (writing_elsewhere, "i.py", "open('x', 'w')\n"),
        (writing_elsewhere, "j.py", "path.open(mode='r+b')\n"),
        (writing_elsewhere, "k.py", "path.open('ab')\n"),
        (writing_elsewhere, "l.py", "path.write_text('x')\n"),
        (writing_elsewhere, "m.py", "path.write_bytes(b'x')\n"),
        (writing_elsewhere, "n.py", "torch.save(x, 'x.pt')\n"),
        (writing_elsewhere, "o.py", "np.save(path, x)\n"),
        (writing_elsewhere, "r.py", "picture.save(path / 'a.jpg', quality=90)\n"),
        (writing_elsewhere, "p.py", "save_file({}, filename=path)\n"),
        (writing_elsewhere, "q.py", "from tempfile import mkdtemp\n"),
        (
            unreadable_docstring,
            "g.py",
            'def f():\n    """Do.\n\n    Example:\n        x\n    """\n',
        ),
        (unreadable_docstring, "h.py", '"""Do.\n\n$$ a $$\n$$ b $$\n"""\n'),
    ],
)
def test_an_offender_is_found(tmp_path: Path, rule: Rule, name: str, code: str) -> None:
    offender = tmp_path / name
    offender.parent.mkdir(exist_ok=True)
    offender.write_text(code)
    assert len(list(rule(offender))) == 1


@pytest.mark.parametrize("rule", PACKAGE_RULES)
def test_an_innocent_is_left_alone(tmp_path: Path, rule: Rule) -> None:
    innocent = tmp_path / "matching.py"
    innocent.write_text(
        '"""Do.\n\n$$ a $$\n\n$$ b $$\n\nExamples:\n    x\n"""\n'
        "from pickle import UnpicklingError\n"
        "import torch\n"
        "state = torch.load('x', weights_only=True)\n"
        "generator = torch.Generator().manual_seed(0)\n"
        "with torch.set_grad_enabled(False):\n    pass\n"
        "with open('x') as file, path.open('rb') as other, atomic_write('x') as stream:\n"
        "    torch.save(state, stream)\n"
    )
    assert list(rule(innocent)) == []
