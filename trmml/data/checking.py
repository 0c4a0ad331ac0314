"""Verify a dataset on disk: every file, every count, before a run of days depends on it."""

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, Final

from trmml.class_names import ClassNames
from trmml.data.image_table import ImageTable
from trmml.data.images import BrokenImageError, decode_image, image_size
from trmml.data.label_overview import label_overview
from trmml.data.readers.reader import OfficialCounts
from trmml.data.readers.reading_options import ReadingOptions
from trmml.data.splits import READERS, find_splits, official_counts

__all__ = ["DatasetReport", "check_dataset", "check_splits"]

_MOST_SHOWN: Final = 10


@dataclass(frozen=True)
class DatasetReport:
    """What a check found.

    Attributes:
        name: The dataset, as it was called.
        rows: Images.
        classes: Label columns.
        known: Share of the labels that is known.
        broken: Every file that cannot be used, with the reason, in row order; none where not one
            file is there, which is a single problem.
        same_content: Groups of names whose files are equal byte for byte; empty in fast mode.
        problems: What makes the dataset unusable as it is; broken files included.
        notes: What is worth knowing but may be meant.
        overview: Its labels, as `label_overview` counts them; None where they could not be read.
    """

    name: str
    rows: int = 0
    classes: int = 0
    known: float = 0.0
    broken: list[BrokenImageError] = field(default_factory=list)
    same_content: list[list[str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    overview: dict[str, Any] | None = field(default=None, repr=False)

    @property
    def usable(self) -> bool:
        """Whether nothing stands against training on it."""
        return not self.problems

    def __str__(self) -> str:
        """Write the report as text, the first findings of each kind on their own lines."""
        verdict = "usable" if self.usable else "NOT usable"
        lines = [
            f"{self.name}: {verdict}; {self.rows:,} images, {self.classes} classes, "
            f"{self.known:.1%} of the labels known"
        ]
        lines += _first("problem", self.problems)
        lines += _first("note", self.notes)
        lines += _first("broken", list(map(str, self.broken)))
        lines += _first("same content", [", ".join(names) for names in self.same_content])
        return "\n".join(lines)

    def as_dict(self) -> dict[str, object]:
        """Return the report as what JSON can hold, without the overview."""
        broken = [{"path": str(error.path), "reason": error.reason} for error in self.broken]
        plain = asdict(replace(self, overview=None)) | {"broken": broken, "usable": self.usable}
        del plain["overview"]
        return plain


def check_dataset(
    table: ImageTable,
    *,
    name: str = "dataset",
    expected: OfficialCounts | None = None,
    fast: bool = False,
    workers: int = 4,
    progress: Callable[[int, int], None] | None = None,
) -> DatasetReport:
    """Look at every file and every label of a dataset.

    Args:
        table: The dataset; what it cannot even be read for, its reader has already said.
        name: What to call it in the report.
        expected: What a complete copy has, for example of `OFFICIAL_COUNTS`.
        fast: Read headers only: finds missing, empty and foreign files in a fraction of the time,
            but neither truncated files nor equal ones.
        workers: Threads that read files.
        progress: Called with the number of files done and their total after each one.

    Raises:
        ValueError: If `workers` is below 1.
    """
    if workers < 1:
        raise ValueError(f"`workers` must be at least 1, got {workers}.")
    problems = _differences(table, expected)
    if nowhere := _none_there(table):
        return _described(table, name, problems=[nowhere, *problems])
    look = _look_at_header if fast else _look_at_all
    broken: list[BrokenImageError] = []
    content: dict[str, list[str]] = {}
    with ThreadPoolExecutor(workers) as pool:
        looked = zip(table.names, pool.map(look, table.paths), strict=True)
        for done, (row, found) in enumerate(looked, start=1):
            if isinstance(found, BrokenImageError):
                broken.append(found)
            elif found is not None:
                content.setdefault(found, []).append(row)
            if progress is not None:
                progress(done, len(table))
    if broken:
        problems.append(f"{len(broken):,} of {len(table):,} files cannot be used")
    same_content = [names for names in content.values() if len(names) > 1]
    return _described(table, name, problems=problems, broken=broken, same_content=same_content)


def check_splits(
    path: str | os.PathLike[str],
    *,
    images: str | os.PathLike[str] | None = None,
    reading: ReadingOptions | None = None,
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
        reading: As in `find_splits`.
        fast: As in `check_dataset`.
        workers: As in `check_dataset`.
        progress: As in `check_dataset`.

    Returns:
        One report for each split that is there.

    Raises:
        ValueError: If there is nothing at the path, nothing that is recognised, or a reading
            option is given that the format found does not take.
    """
    found = find_splits(path, images=images, reading=reading)
    reordered = tuple(ending for reader in READERS for ending in reader.reordered)
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


def _first(kind: str, findings: list[str]) -> list[str]:
    lines = [f"  {kind}: {finding}" for finding in findings[:_MOST_SHOWN]]
    more = len(findings) - _MOST_SHOWN
    return [*lines, f"  {kind}: and {more:,} more"] if more > 0 else lines


def _none_there(table: ImageTable) -> str | None:
    """Say first what explains every single file that is missing."""
    if not len(table) or any(map(os.path.exists, table.paths)):
        return None
    if not table.root.is_dir():
        return f"{table.root}: that folder does not exist; check the path"
    first = table.names[0]
    name = PurePosixPath(first).name
    hint = f" (there is {name})" if (table.root / name).exists() else ""
    return (
        f"not one of its {len(table):,} images is in {table.root}, first {first}{hint}; say where "
        "they are, by `--images` on the command line or `images` in Python, or correct the names"
    )


def _look_at_header(path: Path) -> BrokenImageError | None:
    try:
        image_size(path)
    except BrokenImageError as error:
        return error
    return None


def _look_at_all(path: Path) -> BrokenImageError | str:
    try:
        decode_image(path)
    except BrokenImageError as error:
        return error
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _differences(table: ImageTable, expected: OfficialCounts | None) -> list[str]:
    if expected is None:
        return []
    found = []
    if len(table) != expected.rows:
        found.append(f"{len(table):,} images instead of {expected.rows:,}")
    if table.num_classes != expected.classes:
        found.append(f"{table.num_classes} classes instead of {expected.classes}")
    elif expected.positives:
        positives = (table.labels > 0).sum(0).tolist()
        rows = zip(table.class_names, positives, expected.positives, strict=True)
        wrong = [
            f"{name} {have:,} instead of {want:,}" for name, have, want in rows if have != want
        ]
        if wrong:
            found.append(
                f"{len(wrong)} classes have another number of positives: {'; '.join(wrong)}"
            )
    return found


def _described(table: ImageTable, name: str, **found: Any) -> DatasetReport:  # noqa: ANN401
    known = table.labels != 0
    return DatasetReport(
        name=name,
        rows=len(table),
        classes=table.num_classes,
        known=float(known.float().mean()) if known.numel() else 0.0,
        notes=_notes(table),
        overview=label_overview(table.labels, table.class_names),
        **found,
    )


def _notes(table: ImageTable) -> list[str]:
    notes = [*table.notes, *ClassNames(table.class_names).twins]
    if not len(table):
        return notes
    for sign, word in ((1, "positive"), (-1, "negative")):
        without = [
            name
            for name, any_there in zip(
                table.class_names, (table.labels == sign).any(0).tolist(), strict=True
            )
            if not any_there
        ]
        if without:
            first = ", ".join(without[:10]) + (", ..." if len(without) > 10 else "")
            notes.append(f"{len(without)} classes have no known {word} label: {first}")
    empty = int((table.labels == 0).all(1).sum())
    if empty:
        notes.append(f"{empty:,} images have no known label at all")
    return notes
