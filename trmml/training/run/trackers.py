"""Trackers beside TensorBoard: whatever Accelerate can send figures to."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, Final

from trmml.extras import install_line
from trmml.training.config.run_config import RunConfig
from trmml.training.run.folder import named_numbers

__all__ = ["check_trackers", "tracking"]

_PROJECT: Final = "trmml"
_EXTRAS: Final = ("wandb",)  # trackers that an extra of this library brings


def check_trackers(names: Sequence[str]) -> None:
    """Refuse trackers that Accelerate does not know, and say how to install one that is missing.

    Args:
        names: As in `RunConfig.trackers`.

    Raises:
        ValueError: If Accelerate has no such tracker.
        ModuleNotFoundError: If what it sends to is not installed.
    """
    if not names:
        return
    from accelerate.tracking import LOGGER_TYPE_TO_CLASS, get_available_trackers

    known = sorted({*LOGGER_TYPE_TO_CLASS} - {"tensorboard"})
    there = {str(getattr(one, "value", one)) for one in get_available_trackers()}
    for name in names:
        if name not in known:
            own = " (TensorBoard's files are written in any case)" * (name == "tensorboard")
            raise ValueError(
                f"`trackers` must be among {', '.join(known)}, got {name!r}{own}; with a newer "
                "Accelerate there may be more."
            )
        if name not in there:
            line = install_line(name) if name in _EXTRAS else f"pip install {name}"
            raise ModuleNotFoundError(f"the tracker {name} is not installed; {line}", name=name)


@contextmanager
def tracking(
    accelerator: Any,  # noqa: ANN401 - imported only when needed
    config: RunConfig,
) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Begin a run with each tracker, yield what takes the record of an epoch, and end the run.

    The settings of the run are sent first. Only the first of several processes sends anything. A
    training that is resumed is a new run to the trackers, and goes on with the epoch that comes.

    Args:
        accelerator: Of the training.
        config: Names the trackers and the run.
    """
    if not config.trackers:
        yield lambda _: None
        return
    from accelerate.tracking import filter_trackers

    accelerator.log_with = filter_trackers([*config.trackers], ".")
    accelerator.init_trackers(
        _PROJECT, config=dict(_plain(asdict(config))), init_kwargs={"wandb": {"name": config.name}}
    )
    try:
        yield lambda record: accelerator.log(dict(named_numbers(record)), step=record["epoch"])
    finally:
        for tracker in accelerator.trackers:
            if accelerator.is_main_process or not tracker.main_process_only:
                tracker.finish()


def _plain(settings: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield settings under names that say where they stand, as values that trackers take."""
    for name, value in settings.items():
        if isinstance(value, dict) and value:
            yield from _plain(value, f"{prefix}{name}/")
        else:
            plain = value is None or isinstance(value, bool | int | float | str)
            yield prefix + name, value if plain else str(value)
