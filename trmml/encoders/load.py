"""Every encoder family by its name, and a pair of any of them from where it came from."""

import inspect
import pkgutil
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import torch

from trmml.encoders.protocol import EncoderPair, EncoderSource

__all__ = ["FAMILIES", "EncoderFamily", "check_options", "load_encoders"]


class EncoderFamily(NamedTuple):
    """How the encoders of a family are loaded, and which of them a run takes if told none.

    Attributes:
        loader: Module and function, imported when they are needed. The function takes the
            architecture's name, and by keyword `pretrained`, `image_size`, `autocast_dtype` and
            the family's own options, each of them by name.
        name: The usual architecture.
        pretrained: Its usual weights.
    """

    loader: str
    name: str
    pretrained: str | None


# A new family is a line here, and a file with its loader.
FAMILIES: Final = {
    "open_clip": EncoderFamily("trmml.encoders.open_clip:load_open_clip", "RN101", "openai"),
    "tiny": EncoderFamily("trmml.encoders.tiny:load_by_name", "tiny", None),
}
_OF_EVERY_FAMILY: Final = {"pretrained", "image_size", "autocast_dtype"}


def load_encoders(
    source: EncoderSource,
    *,
    image_size: int | None = None,
    autocast_dtype: torch.dtype | None = None,
) -> EncoderPair:
    """Load the towers that a source names, such as those a saved model was trained with.

    Args:
        source: Family, name, weights and options, as an `EncoderPair` carries them.
        image_size: Side in pixels of the images to come; None for the tower's own.
        autocast_dtype: Precision of the image tower's matrix products; None leaves it to the
            training loop's own autocast.

    Raises:
        ValueError: If the pair was made by hand, so that only its maker can build it again, or
            the family does not know one of the options.

    Examples:
        >>> load_encoders(EncoderSource("tiny", "tiny", None), image_size=128).image.image_size
        (128, 128)
    """
    if source.family not in FAMILIES:
        raise ValueError(
            f"`source` must name a family this library can load ({_listed(FAMILIES)}), got "
            f"{source.family!r}; build the encoders yourself and pass them as `encoders`."
        )
    check_options(source)
    # a source that was read from a file has lists in the place of tuples
    options = {k: tuple(v) if isinstance(v, list) else v for k, v in source.options.items()}
    return _loader(source.family)(
        source.name,
        pretrained=source.pretrained,
        image_size=image_size,
        autocast_dtype=autocast_dtype,
        **options,
    )


def check_options(source: EncoderSource) -> None:
    """Refuse options that a source's family does not know.

    Args:
        source: Of a family in the table.

    Raises:
        ValueError: With the options that the family knows.
    """
    if not source.options:
        return  # no need for the family's module
    parameters = inspect.signature(_loader(source.family)).parameters.values()
    named = {one.name for one in parameters if one.kind is one.KEYWORD_ONLY}
    known = sorted(named - _OF_EVERY_FAMILY)
    if unknown := sorted(source.options.keys() - known):
        raise ValueError(
            f"options of the encoder family {source.family!r} must be among {_listed(known)}, got "
            f"{_listed(unknown)}; leave out what it does not know."
        )


def _loader(family: str) -> Callable[..., EncoderPair]:
    return pkgutil.resolve_name(FAMILIES[family].loader)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names)) or "none"
