"""Colours with everyday names, and their natural variation."""

import numpy as np

from trmml.world.pen import Colour

__all__ = ["COLOURS", "darker", "lighter", "vary"]

COLOURS: dict[str, Colour] = {
    "red": (208.0, 44.0, 38.0),
    "orange": (238.0, 136.0, 34.0),
    "yellow": (246.0, 214.0, 62.0),
    "green": (62.0, 150.0, 58.0),
    "blue": (48.0, 98.0, 202.0),
    "purple": (132.0, 66.0, 168.0),
    "pink": (240.0, 142.0, 176.0),
    "brown": (128.0, 82.0, 44.0),
    "black": (38.0, 38.0, 44.0),
    "white": (242.0, 242.0, 240.0),
    "grey": (142.0, 144.0, 148.0),
}


def vary(colour: Colour, random: np.random.RandomState, *, amount: float) -> Colour:
    """Move each channel by up to `amount`, staying in [0, 255]."""
    red, green, blue = (
        min(max(channel + amount * (2.0 * random.random_sample() - 1.0), 0.0), 255.0)
        for channel in colour
    )
    return red, green, blue


def darker(colour: Colour, *, share: float = 0.35) -> Colour:
    """Mix with black."""
    red, green, blue = (channel * (1.0 - share) for channel in colour)
    return red, green, blue


def lighter(colour: Colour, *, share: float = 0.4) -> Colour:
    """Mix with white."""
    red, green, blue = (channel + (255.0 - channel) * share for channel in colour)
    return red, green, blue
