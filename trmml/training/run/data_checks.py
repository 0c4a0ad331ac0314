"""What is looked at before a run begins: whether it has enough to learn from, and all of it."""

import logging
import os
from typing import Final

from trmml.data.same_files import same_contents
from trmml.training.run.data import RunData

__all__ = ["check_enough", "check_present", "note_copies", "note_small_data"]

_FEWEST: Final = 2

_LOGGER = logging.getLogger(__name__)


def check_enough(data: RunData) -> None:
    """Refuse to train on a single image, or caption.

    Raises:
        ValueError: If there are fewer than two.
    """
    if len(data.lessons) >= _FEWEST:
        return
    if data.captions is not None:
        raise ValueError(
            f"`data.captions` must have at least {_FEWEST} captions that name a class, got "
            f"{len(data.captions)}; add captions or synonyms."
        )
    raise ValueError(
        f"{data.train.root}: training needs at least {_FEWEST} images, got {len(data.train)}; add "
        "some, or lower `data.validation_share`."
    )


def note_small_data(data: RunData, batch_size: int) -> None:
    """Say in the log that there is less to learn from than a batch: each step then takes all."""
    if len(data.lessons) < batch_size:
        _LOGGER.warning(
            "a batch of %d is more than the %d %s to learn from; each step takes all of them",
            batch_size,
            len(data.lessons),
            "images" if data.captions is None else "captions",
        )


def check_present(data: RunData) -> None:
    """Refuse to begin where images are missing: a look at each costs less than the first step.

    Images that another one may replace, by `data.broken`, are only counted, in the log.

    Raises:
        ValueError: If an image that will be needed is not there, with the first ones.
    """
    train = data.train if data.captions is None else None
    tables = {"train": train, "validation": data.validation, "test": data.test}
    for name, table in tables.items():
        if table is None:
            continue
        missing = [path for path in table.paths if not os.path.isfile(path)]  # noqa: PTH113 - a third of the time of Path
        if not missing:
            continue
        shown = ", ".join(map(str, missing[:3])) + (", ..." if len(missing) > 3 else "")
        text = f"{len(missing)} of {len(table)} {name} images are not there: {shown}"
        if table.broken == "error":
            raise ValueError(
                f"{text}; check the folder of images, or set `data.broken` to 'replace'."
            )
        _LOGGER.warning("%s", text)


def note_copies(data: RunData) -> None:
    """Say in the log which images to be judged on are copies of images to learn from."""
    if data.captions is not None:
        return
    for name, table in {"validation": data.validation, "test": data.test}.items():
        copies = [] if table is None else same_contents(data.train, table)
        if copies:
            _LOGGER.warning(
                "%d %s images are copies of training images, such as %s of %s; what is known by "
                "heart flatters the figures",
                len(copies),
                name,
                copies[0][1],
                copies[0][0],
            )
