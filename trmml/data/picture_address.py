"""A picture from the network: fetched only where somebody asks for it, within limits."""

import time
import urllib.request
from http.client import HTTPException
from typing import Final
from urllib.error import HTTPError

from PIL import Image

from trmml.data.images import BrokenImageError, decode_bytes

__all__ = ["fetch_picture", "is_address"]

MOST_BYTES: Final = 50_000_000
SECONDS: Final = 30.0
_PIECE: Final = 1 << 16
_SCHEMES: Final = ("http://", "https://")


def is_address(name: str) -> bool:
    """Say whether a name is the address of a picture on the network, `http` or `https`.

    Examples:
        >>> is_address("https://example.org/a.jpg"), is_address("photos/a.jpg")
        (True, False)
    """
    return name.lower().startswith(_SCHEMES)


def fetch_picture(
    address: str, *, most_bytes: int = MOST_BYTES, seconds: float = SECONDS
) -> Image.Image:
    """Fetch a picture from the network and decode it by the rules of `decode_image`.

    Nothing is kept on disk. Whoever gives the address chooses which server this machine talks to:
    fetch no addresses of strangers on a machine that reaches what they must not.

    Args:
        address: Begins with `http://` or `https://`; redirections to others are refused.
        most_bytes: Size of the largest file that is taken.
        seconds: How long everything may take.

    Returns:
        A loaded image in mode "RGB".

    Raises:
        BrokenImageError: If the address is of another kind, the server does not give the file
            within the limits, or it is no image.
    """
    if not is_address(address):
        raise BrokenImageError(address, "an address must begin with http:// or https://")
    end = time.monotonic() + seconds
    # An opener of its own: urllib's usual one also reads files and FTP servers.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    try:
        request = urllib.request.Request(address, headers={"User-Agent": "trmml"})
        with opener.open(request, timeout=seconds) as answer:
            content = bytearray()
            while piece := answer.read1(_PIECE):
                content += piece
                if len(content) > most_bytes:
                    raise BrokenImageError(address, f"larger than {most_bytes:,} bytes")
                if time.monotonic() > end:
                    raise TimeoutError
    except HTTPError as error:
        error.close()
        raise BrokenImageError(address, f"the server says {error.code} {error.reason}") from None
    except TimeoutError:
        raise BrokenImageError(address, f"not there within {seconds:g} s") from None
    except (OSError, HTTPException, ValueError) as error:
        if isinstance(error, BrokenImageError):
            raise
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            reason = f"no answer within {seconds:g} s"
        raise BrokenImageError(address, f"cannot be fetched: {reason}") from None
    return decode_bytes(bytes(content), name=address)
