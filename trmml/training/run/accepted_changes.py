"""Go on with a run although its data changed: where that is meant, and what may never change."""

from typing import Any, Final

from trmml.training.loop.changes import Change, check_settings, describe_changes, find_changes
from trmml.training.loop.state import RunState, saved_settings

__all__ = ["take_up"]

# What only says what is learnt from, shown and selected. The recipe, the method, the classes and
# the number of images decide what the state itself looks like: schedule, weights, position.
_FREE: Final = ("labels", "known_labels", "validation_labels", "image_list", "selection")
_FREE_GROUPS: Final = ("data.", "cache.")
_FIXED: Final = ("data.class_names",)


def take_up(
    state: RunState, settings: dict[str, Any], *, accept: bool
) -> tuple[RunState, dict[str, Change]]:
    """Return a saved state as one of the training here, and what changed.

    Args:
        state: Of `CheckpointStore.load`.
        settings: Of the training that takes it up.
        accept: Whether to go on where data, cache or selection differ.

    Raises:
        ValueError: If something differs that may not, or anything does and `accept` is False.
    """
    saved = saved_settings(state)
    changes = find_changes(saved, settings)
    fixed = {name: change for name, change in changes.items() if not _may_change(name)}
    if fixed:
        check_settings(saved, settings)
    if changes and not accept:
        raise ValueError(
            f"The checkpoint is of another training: {describe_changes(changes)}; go on with the "
            "same settings, start again in another folder, or, if this is meant, go on by "
            "`--resume-with-changes` (in Python `accept_changes=True`), which records it."
        )
    return RunState(state.tensors, {**state.plain, "settings": settings}), changes


def _may_change(name: str) -> bool:
    return (name in _FREE or name.startswith(_FREE_GROUPS)) and name not in _FIXED
