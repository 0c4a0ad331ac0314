"""Whatever a person has of a picture: a file, an opened image, an array, or an address."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from trmml.data.images import decode_image, to_rgb
from trmml.data.picture_address import fetch_picture, is_address

__all__ = ["Picture", "Pictures", "list_pictures", "open_picture", "picture_name"]

Picture = str | os.PathLike[str] | Image.Image | np.ndarray
"""One picture: a file, an image that Pillow opened or made, an array of 8-bit pixels, or, where it
is allowed, an address on the network."""

Pictures = Picture | Sequence[Picture]
"""One picture, or several in a list."""

_RULE: Final = (
    "a file, an image of Pillow, a NumPy array of uint8 [height width 3] or [height width], or a "
    "list of these"
)


def list_pictures(pictures: Pictures) -> list[Picture]:
    """Return one picture, or several, as a list.

    Raises:
        TypeError: If it is none of these.

    Examples:
        >>> list_pictures("a.jpg"), list_pictures(["a.jpg", "b.jpg"])
        (['a.jpg'], ['a.jpg', 'b.jpg'])
    """
    if isinstance(pictures, str | os.PathLike | Image.Image | np.ndarray):
        return [pictures]
    if not isinstance(pictures, Sequence):
        raise _refusal(type(pictures).__name__)
    return list(pictures)


def open_picture(picture: Picture, *, allow_urls: bool = False) -> Image.Image:
    """Return any picture as 8-bit RGB the right way up, with the same pixels on every road.

    Args:
        picture: See `Picture`. An array is uint8, red, green and blue [height width 3], or grey
            [height width].
        allow_urls: Whether a name that begins with `http://` or `https://` is fetched, see
            `fetch_picture`; otherwise it is refused.

    Returns:
        An image in mode "RGB".

    Raises:
        BrokenImageError: If it cannot be read, or must not be fetched; a ValueError.
        ValueError: If an array has another type or shape.
        TypeError: If it is no picture at all.

    Examples:
        >>> open_picture(np.zeros((20, 40), dtype=np.uint8)).size
        (40, 20)
    """
    if isinstance(picture, Image.Image):
        return to_rgb(picture)
    if isinstance(picture, np.ndarray):
        return _of_array(picture)
    if not isinstance(picture, str | os.PathLike):
        raise _refusal(type(picture).__name__)
    name = os.fspath(picture)
    if isinstance(picture, str) and is_address(picture):
        if not allow_urls:
            raise ValueError(
                f"`allow_urls` must be True for a picture on the network, got {picture!r}; nothing "
                "is fetched unless it is asked for."
            )
        return fetch_picture(picture)
    return decode_image(name)


def picture_name(picture: Picture, place: int) -> str | Path:
    """Return what to call a picture: its file, its address, or its place among the others.

    Args:
        picture: See `Picture`.
        place: Its place in the list, from 0.

    Examples:
        >>> picture_name("https://example.org/a.jpg", 0)
        'https://example.org/a.jpg'
        >>> picture_name(np.zeros((2, 2), dtype=np.uint8), 3)
        'image 3'
    """
    if isinstance(picture, str) and is_address(picture):
        return picture
    if isinstance(picture, str | os.PathLike):
        return Path(picture)
    opened = os.fsdecode(getattr(picture, "filename", ""))  # of an image that Pillow opened
    return Path(opened) if opened else f"image {place}"


def _of_array(pixels: np.ndarray) -> Image.Image:
    grey, colour = pixels.ndim == 2, pixels.ndim == 3 and pixels.shape[-1] == 3
    if pixels.dtype != np.uint8 or not (grey or colour) or 0 in pixels.shape:
        raise ValueError(
            "an array of pixels must be uint8 of shape [height width 3] (red, green, blue) or "
            f"[height width] (grey), got {pixels.dtype} {list(pixels.shape)}; scale to 0 to 255, "
            "put the channels last, and give several pictures as a list."
        )
    return Image.fromarray(np.ascontiguousarray(pixels)).convert("RGB")


def _refusal(found: str) -> TypeError:
    return TypeError(f"a picture must be {_RULE}, got {found}.")
