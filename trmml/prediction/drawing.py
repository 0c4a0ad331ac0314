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

from trmml.data import to_rgb
from trmml.prediction.region_light import outline, region_light

__all__ = ["Panel", "captioned", "contact_sheet", "overlay"]

TINT = (255.0, 45.0, 140.0)  # rare in photographs, bright and dark ones alike
TINTED, DIMMED, RIM = 0.4, 0.8, 0.4
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


def overlay(picture: Image.Image, heatmap: Float[Tensor, "rows columns"]) -> Image.Image:
    """Show a picture tinted where a class is seen, a little darker and paler elsewhere.

    Relative to the strongest position, as `region_light` says. A line runs where the light is half
    of the strongest.

    Args:
        picture: In its own proportions.
        heatmap: At least 0, of any size: what `heatmap` or `region_maps` of a model give for the
            squeezed picture.
    """
    rgb = to_rgb(picture)
    pixels = torch.from_numpy(np.array(rgb)).movedim(2, 0).float()
    grey = torch.from_numpy(np.array(rgb.convert("L"))).float()
    tint = torch.tensor(TINT)[:, None, None]
    light = region_light(heatmap, (rgb.height, rgb.width))
    shown = torch.lerp(DIMMED * (pixels + grey) / 2, pixels, light)
    shown = torch.lerp(shown, tint, TINTED * light.square())  # hardly any where there is little
    pen = max(rgb.size) / 300 + 1  # wider in large pictures, which are looked at from further away
    shown = shown * (1 - RIM * outline(light, width=2 * pen))  # so that it is seen on the tint
    shown = torch.lerp(shown, tint, outline(light, width=pen))
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
