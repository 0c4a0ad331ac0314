"""Drawings of a run's figures, all in one manner."""

from io import BytesIO
from typing import Any, Final

from PIL import Image

__all__ = ["as_picture", "new_figure"]

DOTS: Final = 120  # a picture's points an inch


def new_figure(width: float, height: float) -> Any:  # noqa: ANN401 - imported only when needed
    """Return an empty figure of matplotlib's, outside its global state.

    Args:
        width: In inches.
        height: In inches.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DOTS, layout="constrained")
    figure.patch.set_facecolor("white")
    return figure


def as_picture(figure: Any) -> Image.Image:  # noqa: ANN401
    """Return a figure as an image, without lines above and at the right."""
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    file = BytesIO()
    figure.savefig(file, format="png")
    return Image.open(file).convert("RGB")
