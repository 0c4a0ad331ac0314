"""A pair of towers of one's own, from a function in a Python file."""

from typing import Final

from trmml.encoders.protocol import EncoderPair, ImageEncoder, TextEncoder
from trmml.python_files import name_in_file

__all__ = ["load_own_encoders"]

_EXAMPLE: Final = "my_towers.py:load_pair"


def load_own_encoders(place: str) -> EncoderPair:
    """Call a function in a file of one's own for a pair of towers; its code runs.

    Args:
        place: The file and a function in it that takes nothing and returns an `EncoderPair`, such
            as "my_towers.py:load_pair".

    Raises:
        ValueError: If there is no such file, no such function in it, or it returns something else.
    """
    load = name_in_file(place, argument="encoder", kind="function", example=_EXAMPLE)
    if not callable(load):
        raise ValueError(
            f"`encoder` must be a file and a function that it defines, such as {_EXAMPLE}, got "
            f"{place!r}; check the name."
        )
    pair = load()
    if not (
        isinstance(pair, EncoderPair)
        and isinstance(pair.image, ImageEncoder)
        and isinstance(pair.text, TextEncoder)
    ):
        raise ValueError(
            f"`encoder`: {place} must return a `trmml.encoders.EncoderPair` of an image and a text "
            f"tower, got {type(pair).__name__}; see `trmml.encoders.ImageEncoder` and "
            "`trmml.encoders.TextEncoder`."
        )
    return pair
