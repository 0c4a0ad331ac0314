"""Pictures of the regions: where the model sees each category."""

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from trmml.demo.images import ImageSet
from trmml.encoders import normalize_pixels
from trmml.labels import POSITIVE
from trmml.models import MultiLabelModel
from trmml.prediction import Panel, contact_sheet, overlay
from trmml.prediction.picture_files import write_picture

__all__ = ["draw_regions", "save_examples"]

COLUMNS = 5  # the image, and its four most probable categories
PRESENT, ABSENT = "#1a7f37", "#b3261e"


def draw_regions(
    model: MultiLabelModel,
    images: ImageSet,
    scores: Float[Tensor, "images classes"],
    directory: Path,
    *,
    count: int = 6,
) -> list[Path]:
    """Draw the regions of the most probable categories over images rich in categories.

    Writes one picture per image and `regions.jpg`, a sheet of all. A category's name is green
    where it is really there, red where it is not.

    Args:
        model: A trained model with regions.
        images: Images to choose from.
        scores: Probabilities of each image.
        directory: Folder to write into.
        count: Number of images.

    Returns:
        The files written, the sheet first.
    """
    rows = _rich_rows(images, count)
    panels = [_panels(model, images, scores, row) for row in rows]
    pictures = {"regions.jpg": contact_sheet(panels)}
    for row, line in zip(rows, panels, strict=True):
        pictures[f"regions-{row:04d}.jpg"] = contact_sheet([line])
    for name, picture in pictures.items():
        write_picture(picture, directory / name)
    return [directory / name for name in pictures]


def save_examples(images: ImageSet, directory: Path, *, count: int = 6) -> list[Path]:
    """Write the images that `draw_regions` draws on, as they are.

    Args:
        images: Images to choose from.
        directory: Folder to write into.
        count: Number of images.

    Returns:
        The files written.
    """
    written = []
    for row in _rich_rows(images, count):
        path = directory / f"example-{row:04d}.png"
        write_picture(images.shown(row), path)
        written.append(path)
    return written


def _rich_rows(images: ImageSet, count: int) -> list[int]:
    # Spread over the set, among the images with the most categories: chosen by the labels, never
    # by how well the model does.
    richest = (images.labels == POSITIVE).sum(dim=1).argsort(descending=True, stable=True)
    return richest[: 4 * count : 4].tolist()


@torch.no_grad()
def _panels(
    model: MultiLabelModel, images: ImageSet, scores: Float[Tensor, "images classes"], row: int
) -> list[Panel]:
    pixels = normalize_pixels(images.read(row)[None], model.image_encoder)
    maps, picture = model.region_maps(model(pixels)), images.shown(row)
    if maps is None:
        raise ValueError(
            f"`model` must have regions to draw, but a {type(model).__name__} has none."
        )
    panels = [Panel(picture, images.names[row])]
    for category in scores[row].topk(min(COLUMNS - 1, scores.shape[1])).indices.tolist():
        there = bool(images.labels[row, category] == POSITIVE)
        title = f"{model.class_names[category]}  {scores[row, category]:.2f}"
        tinted = overlay(picture, maps[0, category])
        panels.append(Panel(tinted, title, PRESENT if there else ABSENT))
    return panels
