"""Check all that is at a path, whatever dataset it is."""

import os
from collections.abc import Callable

from trmml.data.checking import DatasetReport, check_dataset
from trmml.data.official_counts import official_counts
from trmml.data.splits import find_splits

__all__ = ["check_path"]


def check_path(
    path: str | os.PathLike[str],
    *,
    images: str | os.PathLike[str] | None = None,
    fast: bool = False,
    workers: int = 4,
    progress: Callable[[int, int], None] | None = None,
) -> list[DatasetReport]:
    """Find out what is at a path, and check each split of it.

    What a reader refuses (duplicated rows, unknown categories, another encoding) becomes a problem
    of the report instead of an error. The same images in another order are checked once.

    Args:
        path: The dataset's folder, or one's own table; see `find_splits` for what is recognised.
        images: As in `find_splits`.
        fast: As in `check_dataset`.
        workers: As in `check_dataset`.
        progress: As in `check_dataset`.

    Returns:
        One report for each split that is there.

    Raises:
        ValueError: If there is nothing at the path, or nothing that is recognised.
    """
    found = find_splits(path, images=images)
    reordered = ("/annotated", "/by_id_text", "/by_name")
    reports = []
    for name in (name for name in found if not name.endswith(reordered)):
        try:
            table = found[name]()
        except ValueError as error:
            reports.append(DatasetReport(name, problems=[str(error)]))
            continue
        reports.append(
            check_dataset(
                table,
                name=name,
                expected=official_counts(name),
                fast=fast,
                workers=workers,
                progress=progress,
            )
        )
    return reports
