"""YAML as people write it: `5e-4` is a number, `no` is a word, and no key is given twice."""

import re
from functools import cache
from types import ModuleType
from typing import Any, Final

from trmml.extras import install_line

__all__ = ["read_yaml", "write_yaml"]

# The core schema of YAML 1.2. PyYAML follows 1.1, where `5e-4` is text and `no` is false.
_SCALARS: Final = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    "float": (
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)"
        r"|\.(?:nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
}


def read_yaml(text: str, *, source: str) -> Any:  # noqa: ANN401 - whatever the text says
    """Read a document of mappings, lists and plain values.

    Args:
        text: The document, in YAML 1.2's core schema, without anchors; keys are text.
        source: Where it came from, for messages.

    Raises:
        ValueError: If it is no YAML, gives a key twice, or refers to an anchor; with the line.
    """
    yaml = _yaml()
    try:
        return yaml.load(text, Loader=_loader())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = "" if mark is None else f"line {mark.line + 1}: "
        problem = getattr(error, "problem", None) or " ".join(str(error).split())
        raise ValueError(f"{source}: {place}no valid YAML; {problem}.") from None


def write_yaml(values: Any) -> str:  # noqa: ANN401 - mappings, lists and plain values
    """Write what `read_yaml`, and any other reader of YAML, reads back as it was."""
    text: str = _yaml().dump(
        values, Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=100
    )
    return text


def _yaml() -> ModuleType:
    try:
        import yaml
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            f"configuration files need pyyaml; {install_line('train')}", name="yaml"
        ) from None
    return yaml


@cache
def _loader() -> Any:  # noqa: ANN401 - a class of an optional library
    yaml = _yaml()
    error = yaml.constructor.ConstructorError

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own protocol

        def compose_node(self, parent: Any, index: Any) -> Any:  # noqa: ANN401
            if self.check_event(yaml.AliasEvent):
                place = self.peek_event().start_mark
                raise error(None, None, "anchors are not read; use `extends`", place)
            return super().compose_node(parent, index)

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: ANN401
            names = []
            for key, _ in node.value:
                if key.value in names:
                    raise error(None, None, f"`{key.value}` is given twice", key.start_mark)
                names.append(key.value)
                if isinstance(key, yaml.ScalarNode):
                    key.tag = "tag:yaml.org,2002:str"
            return super().construct_mapping(node, deep)

    for tag, (pattern, first) in _SCALARS.items():
        Loader.add_implicit_resolver(
            f"tag:yaml.org,2002:{tag}", re.compile(f"(?:{pattern})$"), first
        )
    return Loader


@cache
def _dumper() -> Any:  # noqa: ANN401 - a class of an optional library
    yaml = _yaml()

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002
            return True

    def represent_list(dumper: Any, data: Any) -> Any:  # noqa: ANN401
        return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True)

    Dumper.add_representer(list, represent_list)
    Dumper.add_representer(tuple, represent_list)
    # Text is put in quotes where either YAML would take it for something else.
    for tag, (pattern, first) in _SCALARS.items():
        Dumper.add_implicit_resolver(
            f"tag:yaml.org,2002:{tag}", re.compile(f"(?:{pattern})$"), first
        )
    return Dumper
