"""The two kinds of scenes: what pre-training sees, and what is to be learnt afterwards."""

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["REGIMES", "Regime", "RegimeName"]

RegimeName = Literal["pretraining", "scenes"]


@dataclass(frozen=True)
class Regime:
    """How hard scenes are.

    Attributes:
        image_size: Height and width in pixels, unless asked for otherwise.
        objects: Fewest and most objects.
        half: Smallest and largest half size of an object, as shares of the scene's size.
        small: How strongly small objects prevail (1: evenly spread sizes).
        behind: Fewest and most shapes of no category behind the objects.
        before: Likewise among and before them.
        unusual: Share of objects in a colour not usual for them.
        tilt: Largest tangent of half the angle that upright things lean by.
        natural: Whether places decide what is met and where; otherwise all is equally likely.
        border: How far a centre may lie beyond the border, as a share of the scene's size.
    """

    image_size: int
    objects: tuple[int, int]
    half: tuple[float, float]
    small: int
    behind: tuple[int, int]
    before: tuple[int, int]
    unusual: float
    tilt: float
    natural: bool
    border: float


REGIMES: Final[dict[RegimeName, Regime]] = {
    "pretraining": Regime(
        128, (1, 3), (0.13, 0.3), 1, (0, 3), (0, 1), 0.2, 0.12, natural=False, border=-0.14
    ),
    "scenes": Regime(
        256, (2, 8), (0.05, 0.22), 2, (4, 12), (1, 6), 0.35, 0.3, natural=True, border=0.0
    ),
}
