"""Configuration files: those of TRM-ML's rows in the paper's tables, and one's own."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, field, fields, make_dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import chain
from pathlib import Path
from typing import Any, Final

from trmml.choices import nearest_name, nearest_names
from trmml.models import METHODS, MethodConfig, Task
from trmml.regular_files import require_regular_file
from trmml.training.config.plain_yaml import read_yaml, write_yaml
from trmml.training.config.problems import Layer, explain
from trmml.training.config.run_config import RunConfig

__all__ = ["dump_run_config", "list_run_configs", "load_run_config", "named_method"]

_SUFFIXES: Final = (".yaml", ".yml")
_SECTIONS: Final = ("data", "encoder", "model", "recipe", "cache")
DEFAULT_METHOD: Final = "trmml"


def load_run_config(
    name_or_path: str | os.PathLike[str],
    overrides: Sequence[str] = (),
    *,
    task: type[Task] | None = None,
    base: str | os.PathLike[str] | None = None,
) -> RunConfig:
    """Read a configuration that ships with this package, or a file.

    A file holds any of the settings of `RunConfig`, and `extends`: the name of a shipped one, or
    the path of another file from its own folder; or a list of them, a later one over an earlier.
    What it does not say is taken from there, and else from the defaults. Relative paths of data
    are taken from the working folder.

    Args:
        name_or_path: A name of `list_run_configs`, or a path that ends in `.yaml` or `.yml`.
        overrides: Settings that go over the file's, as "recipe.epochs=3" or
            "data.keep=[0.1, 0.2]"; values are read as in a file.
        task: Of a method of one's own, which the section `model` then is of; None for the
            methods of this library, which `model.method` tells apart.
        base: Another configuration, which says what this one does not, as one that is extended.

    Raises:
        ValueError: If there is no such configuration, a file is no YAML or extends itself, a
            setting is unknown, or a value is refused; all problems in one message, with the
            nearest name for an unknown one.

    Examples:
        >>> config = load_run_config("voc2007", ["data.keep=0.1", "recipe.max_lr=1e-3"])
        >>> config.data.keep, config.recipe.max_lr, config.encoder.name
        (0.1, 0.001, 'RN101')
    """
    from pydantic import TypeAdapter, ValidationError

    layers = _layers_of(name_or_path, base)
    name = Path(name_or_path).stem if _is_path(name_or_path) else os.fspath(name_or_path)
    values: dict[str, Any] = {"name": layers[-1].values.get("name", name)}
    layers = [Layer(origin, _without(given, "name")) for origin, given in layers]
    layers += _override_layers(overrides)
    if task is not None:
        own: dict[str, Any] = {"model": {"method": task.Model.Config.method}}
        layers.insert(len(layers) - len(overrides), Layer("the task", own))
    layers = [Layer(origin, _spelt_out(given)) for origin, given in layers]
    for layer in layers:
        values = _merge(_without_other_method(values, layer.values), layer.values)
    kind = _typed(_model_config(values, layers, task))
    try:
        found = TypeAdapter(kind).validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        raise ValueError(explain(error.errors(), kind, values, layers)) from None
    return RunConfig(**{field.name: getattr(found, field.name) for field in fields(RunConfig)})


def named_method(
    name_or_path: str | os.PathLike[str],
    overrides: Sequence[str] = (),
    *,
    base: str | os.PathLike[str] | None = None,
) -> str:
    """Return the method that a configuration names, whether this library knows it or not.

    Args:
        name_or_path: As in `load_run_config`.
        overrides: As in `load_run_config`.
        base: As in `load_run_config`.

    Raises:
        ValueError: If a file cannot be read.

    Examples:
        >>> named_method("dualcoop"), named_method("voc2007")
        ('dualcoop', 'trmml')
    """
    method = DEFAULT_METHOD
    for _, given in [*_layers_of(name_or_path, base), *_override_layers(overrides)]:
        model = given.get("model")
        if isinstance(model, Mapping):
            method = str(model.get("method", method))
    return method


def _spelt_out(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Read `loss: bce`, for short, as that loss with its defaults."""
    model = values.get("model")
    if isinstance(model, Mapping) and isinstance(model.get("loss"), str):
        return {**values, "model": {**model, "loss": {"name": model["loss"], "settings": {}}}}
    return values


def _without_other_method(values: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Drop the settings of a method where a stronger layer names another one, or of a loss."""
    old, new = values.get("model"), above.get("model")
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return values
    if "method" in new and new["method"] != old.get("method", DEFAULT_METHOD):
        return _without(values, "model")
    loss, other = old.get("loss"), new.get("loss")
    if isinstance(loss, Mapping) and isinstance(other, Mapping) and "name" in other:
        return {**values, "model": _without(old, "loss")}
    return values


def _model_config(
    values: Mapping[str, Any], layers: Sequence[Layer], task: type[Task] | None
) -> type[MethodConfig]:
    """Return the configuration class of the method that the section `model` names."""
    model = values.get("model")
    name = model.get("method", DEFAULT_METHOD) if isinstance(model, Mapping) else DEFAULT_METHOD
    tasks = METHODS if task is None else {task.Model.Config.method: task}
    if name not in tasks:
        near = nearest_name(name, tasks)
        advice = f"did you mean {near!r}?" if near else "one's own is given by `--task`."
        origin = next(
            layer.origin for layer in reversed(layers) if "method" in layer.values.get("model", {})
        )
        raise ValueError(
            f"{origin}: `model.method` must be {' or '.join(map(repr, tasks))}, got {name!r}; "
            f"{advice}"
        )
    return tasks[name].Model.Config


@cache
def _typed(model: type[MethodConfig]) -> type[RunConfig]:
    """Return `RunConfig` with the section `model` of one method, for the check of its types."""
    default: Any = model
    own = ("model", model, field(default_factory=default))
    return make_dataclass("RunConfig", [own], bases=(RunConfig,), frozen=True, kw_only=True)


def dump_run_config(config: RunConfig) -> str:
    """Write every setting as YAML, which loads back to an equal configuration.

    Examples:
        >>> dump_run_config(RunConfig(name="mine")).splitlines()[:3]
        ['name: mine', 'data:', '  path: null']
    """
    return write_yaml(asdict(config))


def list_run_configs() -> dict[str, str]:
    """Name each configuration that ships with this package, and say what it is.

    Examples:
        >>> list_run_configs()["table1/voc2007-0.1"]
        'Table 1, VOC 2007, 10 % of the labels known. Paper: 93.9.'
    """
    shipped = sorted(_shipped().items(), key=lambda item: ("/" in item[0], item[0]))
    texts = ((name, file.read_text(encoding="utf-8")) for name, file in shipped)
    return {name: text.partition("\n")[0].removeprefix("#").strip() for name, text in texts}


def _layers_of(
    name_or_path: str | os.PathLike[str], base: str | os.PathLike[str] | None
) -> list[Layer]:
    """Read a configuration, what it extends and what lies under it, the weakest first."""
    read = [os.fspath(one) for one in (base, name_or_path) if one is not None]
    return [layer for one in read for layer in _read_layers(one, folder=Path(), above=())]


def _override_layers(overrides: Sequence[str]) -> list[Layer]:
    return [Layer(f"override {text!r}", _override(text)) for text in overrides]


def _read_layers(reference: str, *, folder: Path, above: tuple[str, ...]) -> list[Layer]:
    """Read a file and all that it extends, the weakest first."""
    origin, text, folder = _read(reference, folder)
    if origin in above:
        circle = " -> ".join([*above[above.index(origin) :], origin])
        raise ValueError(f"{origin}: `extends` must not go in a circle, got {circle}.")
    values = read_yaml(text, source=origin)
    values = {} if values is None else values
    if not isinstance(values, dict):
        raise ValueError(
            f"{origin}: must hold settings as `name: value`, got {type(values).__name__}."
        )
    # A section of which every line is commented out is no section.
    values = {
        key: value for key, value in values.items() if key not in _SECTIONS or value is not None
    }
    layer = Layer(origin, _without(values, "extends"))
    parents = values.get("extends", [])
    parents = [parents] if isinstance(parents, str) else parents
    if not (isinstance(parents, list) and all(isinstance(parent, str) for parent in parents)):
        raise ValueError(f"{origin}: `extends` must be names or paths, got {parents}.")
    below = [_read_layers(parent, folder=folder, above=(*above, origin)) for parent in parents]
    return [*chain.from_iterable(below), layer]


def _read(reference: str, folder: Path) -> tuple[str, str, Path]:
    """Return a file's name for messages, its text, and the folder that its paths start from."""
    if _is_path(reference):
        path = folder / reference
        try:
            text = require_regular_file(path).read_text(encoding="utf-8")
            return os.path.normpath(path), text, path.parent
        except FileNotFoundError:
            raise ValueError(f"{path}: the file does not exist; check the path.") from None
        except UnicodeDecodeError:
            raise ValueError(f"{path}: must be text in UTF-8, got something else.") from None
    shipped = _shipped()
    if reference not in shipped:
        near = nearest_names(reference, shipped, most=3)
        advice = f"the nearest are {', '.join(near)}" if near else f"they are {', '.join(shipped)}"
        raise ValueError(
            f"{reference}: no configuration of that name ships with trmml; {advice}. A file's path "
            "must end in .yaml or .yml."
        )
    return f"trmml/configs/{reference}.yaml", shipped[reference].read_text(encoding="utf-8"), Path()


def _shipped() -> dict[str, Traversable]:
    return dict(_find_files(files("trmml") / "configs", ""))


def _find_files(folder: Traversable, prefix: str) -> list[tuple[str, Traversable]]:
    found = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            found += _find_files(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(".yaml"):
            found.append((prefix + entry.name.removesuffix(".yaml"), entry))
    return found


def _override(text: str) -> dict[str, Any]:
    dotted, equals, value = text.partition("=")
    if not equals or not all(dotted.strip().split(".")):
        raise ValueError(f"override {text!r}: must be `setting=value`, such as recipe.epochs=3.")
    nested: Any = read_yaml(value, source=f"override {text!r}")
    for key in reversed(dotted.strip().split(".")):
        nested = {key: nested}
    return nested


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            value = _merge(old, value)
        merged[key] = value
    return merged


def _without(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != key}


def _is_path(reference: str | os.PathLike[str]) -> bool:
    return os.fspath(reference).endswith(_SUFFIXES)
