"""What people define in Python files of their own: a method, or a pair of towers."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

__all__ = ["name_in_file"]


def name_in_file(place: str, *, argument: str, kind: str, example: str) -> Any:  # noqa: ANN401
    """Import a Python file, once, and return what a name in it stands for; its code runs.

    While it is imported, so can be the files and packages beside it, after all that is installed.

    Args:
        place: The file and the name, such as "my_file.py:MyTask".
        argument: What the caller takes the place as, for the message.
        kind: What the name is to be, as in "class", for the message.
        example: A place, for the message.

    Returns:
        What the name stands for; None if the file does not define it.

    Raises:
        ValueError: If there is no such file, or a module of its name is loaded already.
    """
    file, _, name = place.rpartition(":")
    path = Path(file).resolve()
    if path.suffix != ".py" or not name or not path.is_file():
        raise ValueError(
            f"`{argument}` must be a Python file and a {kind} in it, such as {example}, got "
            f"{place!r}{'' if path.is_file() or not file else f'; there is no file {path}'}."
        )
    module = sys.modules.get(path.stem)
    if module is None:
        spec = spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None:
            raise ValueError(f"`{argument}`: {path} cannot be imported.")
        module = module_from_spec(spec)
        sys.modules[path.stem] = module  # its dataclasses look for themselves there
        try:
            with _importable(path.parent):
                spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[path.stem]
            raise
    elif Path(getattr(module, "__file__", None) or "").resolve() != path:
        raise ValueError(
            f"`{argument}`: {path} must have a name of its own, but a module {path.stem!r} is "
            "loaded already; rename the file."
        )
    return getattr(module, name, None)


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    entry = str(folder)
    if entry in sys.path:
        yield
        return
    sys.path.append(entry)
    try:
        yield
    finally:
        sys.path.remove(entry)
