"""What other programs put before the names of weights, and around them in a checkpoint."""

import logging
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from torch import Tensor

__all__ = ["names_begin_with", "unprefixed", "unwrapped"]

_LOGGER = logging.getLogger(__name__)
# torch.compile, DataParallel, Lightning and the usual names of a model as part of another
PREFIXES: Final = ("_orig_mod", "module", "model", "net", "network", "clip", "clip_model")
CONTAINERS: Final = ("state_dict", "model_state_dict", "model", "module", "net", "network")
AVERAGES: Final = ("state_dict_ema", "model_ema", "ema_state_dict", "ema_model", "ema")


def unwrapped(content: Any, *, path: str) -> Any:  # noqa: ANN401 - whatever a file holds
    """Return the tensors by name of a training's checkpoint, or what was given.

    Args:
        content: Of a file.
        path: The file, for the log: it says where averaged weights are left out.
    """
    if not isinstance(content, Mapping):
        return content
    found = [name for name in (*CONTAINERS, *AVERAGES) if isinstance(content.get(name), Mapping)]
    if not found:
        return content
    others = [name for name in found[1:] if name in AVERAGES]
    if others:
        _LOGGER.warning(
            "%s: taking the weights under %r; there are averaged ones too, under %s: save those "
            "alone to take them.",
            *(path, found[0], ", ".join(map(repr, others))),
        )
    return unwrapped(content[found[0]], path=path)


def unprefixed(
    state: Mapping[str, Tensor], wanted: Collection[str] = (), *, path: str
) -> dict[str, Tensor]:
    """Return tensors by the names that they have in their tower.

    Args:
        state: Tensor by name. Prefixes that other programs are known to put before all names are
            taken off, however many.
        wanted: Names in the tower. Where only some of the file's names have a known prefix, and
            these alone are wanted, the others belong to something else and are left out.
        path: The file, for the log, which says what is left out.
    """
    found = dict(state)
    while (first := names_begin_with(found)) in PREFIXES:
        found = {name.removeprefix(f"{first}."): value for name, value in found.items()}
    if not wanted or found.keys() & set(wanted):
        return found
    for prefix in _joined_prefixes(found):
        inner = {
            name.removeprefix(prefix): value
            for name, value in found.items()
            if name.startswith(prefix)
        }
        if inner.keys() & set(wanted):
            left = len(found) - len(inner)
            _LOGGER.warning(
                "%s: taking the weights under %r; %d other tensors are left out.",
                *(path, prefix, left),
            )
            return inner
    return found


def names_begin_with(names: Iterable[str]) -> str | None:
    """Return the part before the first dot that all names share, or None.

    Examples:
        >>> names_begin_with(["student.visual.conv1.weight", "student.logit_scale"])
        'student'
        >>> names_begin_with(["visual.conv1.weight", "logit_scale"]) is None
        True
    """
    firsts = {name.partition(".")[0] if "." in name else None for name in names}
    return firsts.pop() if len(firsts) == 1 else None


def _joined_prefixes(names: Iterable[str]) -> list[str]:
    """Return the runs of known prefixes that names begin with, each with its last dot."""
    found: dict[str, None] = {}
    for name in names:
        prefix = ""
        for part in name.split("."):
            if part not in PREFIXES:
                break
            prefix += f"{part}."
        if prefix:
            found[prefix] = None
    return [*found]
