"""What is looked at before a run begins: whether it has enough to learn from, and all of it."""

import logging
import os

from trmml.data.same_files import same_contents
from trmml.training.run.data import RunData

__all__ = ["check_batch", "check_present", "note_copies"]

_LOGGER = logging.getLogger(__name__)


def check_batch(data: RunData, batch_size: int) -> None:
    """Refuse to train on fewer images, or captions, than a batch has.

    Raises:
        ValueError: If there are fewer.
    """
    fewest = max(2, batch_size)
    if data.captions is not None and len(data.captions) < fewest:
        raise ValueError(
            f"`data.captions` must have at least {fewest} captions that name a class, a batch, got "
            f"{len(data.captions)}; lower `recipe.batch_size`, or add captions or synonyms."
        )
    if data.captions is None and len(data.train) < fewest:
        raise ValueError(
            f"{data.train.root}: training needs at least {fewest} images, a batch, got "
            f"{len(data.train)}; lower `recipe.batch_size` or `data.validation_share`."
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
