"""Pictures of the regions: where the model sees each category."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from trmml.demo.images import ImageSet
from trmml.encoders import normalize_pixels
from trmml.labels import POSITIVE
from trmml.models import TRMML

__all__ = ["draw_regions", "save_examples"]

COLUMNS = 5  # the image, and its four most probable categories
FAINTEST = 0.2
SMALLEST = 1e-6  # a region fainter than this is shown as none
PRESENT, ABSENT = "#1a7f37", "#b3261e"


def draw_regions(
    model: TRMML,
    images: ImageSet,
    scores: Float[Tensor, "images classes"],
    directory: Path,
    *,
    count: int = 6,
) -> list[Path]:
    """Draw the regions of the most probable categories over images rich in categories.

    Writes one picture per image and `regions.png`, a sheet of all. A category's name is green
    where it is really there, red where it is not.

    Args:
        model: A trained model.
        images: Images to choose from.
        scores: Probabilities of each image.
        directory: Folder to write into.
        count: Number of images.

    Returns:
        The files written, the sheet first.
    """
    from matplotlib.figure import Figure

    rows = _rich_rows(images, count)
    panels = [_panels(model, images, scores, row) for row in rows]
    written = []
    sheet = Figure(figsize=(2.2 * COLUMNS, 2.45 * len(rows)), layout="constrained")
    sheet_axes = sheet.subplots(len(rows), COLUMNS, squeeze=False)
    for line, (row, panel) in enumerate(zip(rows, panels, strict=True)):
        figure = Figure(figsize=(2.2 * COLUMNS, 2.45), layout="constrained")
        for axes in (figure.subplots(1, COLUMNS, squeeze=False)[0], sheet_axes[line]):
            _draw(axes, panel)
        path = directory / f"regions-{row:04d}.png"
        figure.savefig(path, dpi=110)
        written.append(path)
    sheet.savefig(directory / "regions.png", dpi=110)
    return [directory / "regions.png", *written]


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
        Image.fromarray(images.read(row).permute(1, 2, 0).numpy()).save(path)
        written.append(path)
    return written


def _rich_rows(images: ImageSet, count: int) -> list[int]:
    # Spread over the set, among the images with the most categories: chosen by the labels, never
    # by how well the model does.
    richest = (images.labels == POSITIVE).sum(dim=1).argsort(descending=True, stable=True)
    return richest[: 4 * count : 4].tolist()


Panel = tuple[UInt8[Tensor, "height width 3"], Float[Tensor, "height width"] | None, str, str]


@torch.no_grad()
def _panels(
    model: TRMML, images: ImageSet, scores: Float[Tensor, "images classes"], row: int
) -> list[Panel]:
    pixels = images.read(row)
    heatmaps = model.heatmap(normalize_pixels(pixels[None], model.image_encoder))[0]
    picture = pixels.permute(1, 2, 0)
    panels: list[Panel] = [(picture, None, images.names[row], "black")]
    for category in scores[row].topk(min(COLUMNS - 1, scores.shape[1])).indices.tolist():
        there = bool(images.labels[row, category] == POSITIVE)
        title = f"{model.class_names[category]}  {scores[row, category]:.2f}"
        panels.append((picture, heatmaps[category], title, PRESENT if there else ABSENT))
    return panels


def _draw(axes: Iterable[Any], panels: Sequence[Panel]) -> None:
    for ax in axes:
        ax.set_axis_off()
    for ax, (picture, heatmap, title, color) in zip(axes, panels, strict=False):
        shown = picture.float() / 255
        if heatmap is not None:
            # Outside the region the picture fades to dark: what is lit is what is scored. Relative
            # to the strongest position, because a region's features are scored by direction alone.
            light = heatmap / heatmap.amax().clamp_min(SMALLEST)
            shown = shown * (FAINTEST + (1 - FAINTEST) * light[..., None])
        ax.imshow(shown.numpy())
        ax.set_title(title, fontsize=9, color=color)
