"""Heat maps of photographs as files: an overlay of each class, and a sheet of all."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image

from trmml.data import BrokenImageError, decode_image
from trmml.models import MultiLabelModel
from trmml.models.finite_scores import require_finite_scores
from trmml.prediction.drawing import CELL, Panel, captioned, contact_sheet, overlay
from trmml.prediction.picture_files import NewNames, write_picture
from trmml.prediction.scoring import eval_mode
from trmml.prediction.tagging import decision_thresholds

__all__ = ["DrawnImage", "draw_heatmaps", "draw_sheets"]

LONGEST_SIDE = 1024
SHEET_ROWS = 40
PRESENT, ABSENT = "black", "#8a8a8a"


class DrawnImage(NamedTuple):
    """What was drawn of one photograph.

    Attributes:
        path: The photograph.
        files: Overlays written.
        panels: The photograph and its overlays, as small as in a sheet.
        problem: Why the file could not be read, or None.
    """

    path: Path
    files: list[Path]
    panels: list[Panel]
    problem: str | None = None


def draw_heatmaps(
    model: MultiLabelModel,
    paths: Sequence[str | Path],
    directory: str | Path,
    *,
    classes: Sequence[str] | None = None,
    top_k: int = 3,
) -> Iterator[DrawnImage]:
    """Write an overlay of each photograph and class: tinted where the model sees the class.

    Overlays have the photograph's proportions, at most 1024 pixels a side, and a caption with the
    class and its probability, in grey where that is below the threshold. Their names begin with
    the photograph's place in the list, so that equal names in several folders stay apart.

    Args:
        model: A trained model with regions; scores in eval mode, which is restored at the end.
        paths: Image files.
        directory: Folder to write into; it must exist.
        classes: Which to draw; None draws the most probable of each photograph.
        top_k: How many of these.

    Yields:
        What was drawn of each photograph, in order.

    Raises:
        ValueError: If the model has no regions, a class is not the model's, or `top_k` is below 1;
            at once, before anything is drawn.
    """
    if not model.has_regions:
        raise ValueError(
            f"`model` must have regions to draw them, but a {type(model).__name__} only scores "
            "whole photographs; `tag_images` gives its scores."
        )
    titles = model.class_names.titles
    if classes is not None and not classes:
        raise ValueError(
            f"`classes` must name at least one class, got none of {', '.join(titles)}."
        )
    unknown = [name for name in classes or () if name not in titles]
    if unknown:
        raise ValueError(
            f"`classes` must be of the model's, got also {', '.join(map(repr, unknown))}; it knows "
            f"{', '.join(titles)}."
        )
    if top_k < 1:
        raise ValueError(f"`top_k` must be at least 1, got {top_k}.")
    chosen = None if classes is None else [titles.index(name) for name in classes]
    return _draw(model, [Path(path) for path in paths], Path(directory), chosen, top_k)


def _draw(
    model: MultiLabelModel, paths: list[Path], directory: Path, chosen: list[int] | None, top_k: int
) -> Iterator[DrawnImage]:
    titles, cuts = model.class_names.titles, decision_thresholds(model)
    names = NewNames()
    with eval_mode(model):
        for number, path in enumerate(paths, start=1):
            try:
                photograph = decode_image(path)
            except BrokenImageError as error:
                yield DrawnImage(path, [], [], error.reason)
                continue
            with torch.no_grad():  # for this photograph alone, not for whoever takes what is drawn
                output = model(model.preprocess(photograph))
            require_finite_scores(output.logits, titles, image=lambda _, name=path: str(name))
            probabilities = output.logits[0].float().sigmoid().cpu()
            maps = model.region_maps(output)
            if maps is None:
                raise ValueError(
                    f"`{type(model).__name__}.region_maps` must return maps where `has_regions` is "
                    "True, got None."
                )
            columns = chosen or probabilities.topk(min(top_k, len(titles))).indices.tolist()
            photograph.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
            files, panels = [], [Panel(_small(photograph), path.name)]
            for column in columns:
                caption = f"{titles[column]}  {probabilities[column]:.2f}"
                color = PRESENT if bool(probabilities[column] >= cuts[column]) else ABSENT
                lit = overlay(photograph, maps[0, column])
                name = names.make(f"{number:04d}-{path.stem}", titles[column], suffix=".jpg")
                files.append(directory / name)
                write_picture(captioned(Panel(lit, caption, color)), files[-1])
                panels.append(Panel(_small(lit), caption, color))
            yield DrawnImage(path, files, panels)


def draw_sheets(rows: Iterable[Sequence[Panel]], directory: str | Path) -> list[Path]:
    """Write contact sheets of at most 40 rows: `contact_sheet.jpg`, `contact_sheet-2.jpg`, ...

    A sheet is written as soon as it is full, so that of any number of photographs no more than 40
    are in memory where `rows` makes them one by one.

    Args:
        rows: Panels of each photograph; those without any are passed over.
        directory: Folder to write into.

    Returns:
        The files written.
    """
    written = []
    filled = filter(None, rows)
    while sheet := list(islice(filled, SHEET_ROWS)):
        ending = f"-{len(written) + 1}" if written else ""
        written.append(Path(directory, f"contact_sheet{ending}.jpg"))
        write_picture(contact_sheet(sheet), written[-1])
        del sheet  # before the next is made
    return written


def _small(picture: Image.Image) -> Image.Image:
    small = picture.copy()
    small.thumbnail(CELL, Image.Resampling.LANCZOS)
    return small
