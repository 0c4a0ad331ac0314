"""Pictures that show where a model sees a class, and sheets of them."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torch.nn.functional import interpolate, max_pool2d

from trmml.data import to_rgb

__all__ = ["Panel", "captioned", "contact_sheet", "overlay"]

FAINTEST = 0.3
LINE = (255.0, 196.0, 0.0)
SMALLEST = 1e-6  # a region fainter than this is shown as none
CELL, NARROWEST = (240, 200), 110
GAP, TEXT_SIZE = 10, 15
STRIP = TEXT_SIZE + 9  # above a picture, for its caption


class Panel(NamedTuple):
    """A picture with a caption.

    Attributes:
        picture: What to show.
        caption: One line above it, shortened where it does not fit.
        color: Of the caption, in any form Pillow knows.
    """

    picture: Image.Image
    caption: str
    color: str = "black"


def overlay(picture: Image.Image, heatmap: Float[Tensor, "height width"]) -> Image.Image:
    """Show a picture in its colours where a class is seen, dark and grey elsewhere.

    Relative to the strongest position, because a region's features are scored by direction alone:
    what is lit is what is scored. A line runs where the light is half of the strongest.

    Args:
        picture: In its own proportions.
        heatmap: At least 0, of any size: what `heatmap` or `region_maps` of a model give for the
            squeezed picture.
    """
    size = (picture.height, picture.width)
    light = heatmap.float().cpu() / heatmap.amax().clamp_min(SMALLEST).cpu()
    light = interpolate(light[None, None], size=size, mode="bilinear", align_corners=False)[0]
    pixels = torch.from_numpy(np.array(to_rgb(picture))).movedim(2, 0).float()
    grey = FAINTEST * torch.from_numpy(np.array(to_rgb(picture).convert("L"))).float()
    shown = light * pixels + (1 - light) * grey
    inside = (light >= 0.5).float()
    reach = 2 * (max(size) // 400) + 3  # so that the line is seen in large pictures, too
    shrunk = -max_pool2d(-inside, reach, stride=1, padding=reach // 2)
    shown = torch.where(inside > shrunk, torch.tensor(LINE)[:, None, None], shown)
    return Image.fromarray(shown.round().to(torch.uint8).movedim(0, 2).numpy())


def captioned(panel: Panel) -> Image.Image:
    """Return the panel's picture in full size, with the caption on a white strip above it."""
    canvas = Image.new("RGB", (panel.picture.width, panel.picture.height + STRIP), "white")
    canvas.paste(panel.picture, (0, STRIP))
    _write(canvas, panel, (4, 4), canvas.width - 8)
    return canvas


def contact_sheet(rows: Sequence[Sequence[Panel]], *, cell: tuple[int, int] = CELL) -> Image.Image:
    """Lay out panels in rows, each picture as large as its cell allows, in its own proportions.

    Args:
        rows: Panels from left to right, rows from top to bottom; rows may differ in length.
        cell: Width and height of the room for a picture.

    Raises:
        ValueError: If there is no panel.
    """
    columns = max(map(len, rows), default=0)
    if columns == 0:
        raise ValueError("`rows` must hold at least one panel, got none.")
    shrunk = [
        [panel._replace(picture=_fitted(panel.picture, cell)) for panel in row] for row in rows
    ]
    # Rows and columns are only as large as their largest picture, so that photographs of one
    # shape, as most are, stand close together; columns have room for a short caption at least.
    heights = [max((panel.picture.height for panel in row), default=0) for row in shrunk]
    widths = [NARROWEST] * columns
    for row in shrunk:
        for column, panel in enumerate(row):
            widths[column] = max(widths[column], panel.picture.width)
    width = GAP + sum(wide + GAP for wide in widths)
    height = GAP + sum(STRIP + high + GAP for high in heights)
    canvas = Image.new("RGB", (width, height), "white")
    top = GAP
    for row, high in zip(shrunk, heights, strict=True):
        left = GAP
        for panel, wide in zip(row, widths, strict=False):
            _write(canvas, panel, (left, top), wide)
            canvas.paste(panel.picture, (left, top + STRIP))
            left += wide + GAP
        top += STRIP + high + GAP
    return canvas


def _fitted(picture: Image.Image, cell: tuple[int, int]) -> Image.Image:
    scale = min(cell[0] / picture.width, cell[1] / picture.height)
    size = (max(1, round(scale * picture.width)), max(1, round(scale * picture.height)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _write(canvas: Image.Image, panel: Panel, place: tuple[int, int], room: int) -> None:
    font, text = _font(), " ".join(panel.caption.split())
    while font.getlength(text) > room and len(text) > 2:
        text = text.removesuffix("…")[:-1] + "…"
    ImageDraw.Draw(canvas).text(place, text, fill=panel.color, font=font)


@cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    try:
        import matplotlib  # its font knows thousands of letters, Pillow's own a hundred
    except ModuleNotFoundError:
        return ImageFont.load_default(TEXT_SIZE)
    return ImageFont.truetype(
        str(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")), TEXT_SIZE
    )
