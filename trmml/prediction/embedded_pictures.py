"""Pictures inside a page, as `data:` addresses of bounded size."""

import base64
from io import BytesIO
from typing import Final

from PIL import Image

__all__ = ["MOST_BYTES", "embedded_picture"]

LONGEST_SIDE: Final = 384
MOST_BYTES: Final = 32_000
_QUALITIES: Final = (82, 65, 45, 25)


def embedded_picture(picture: Image.Image) -> str:
    """Return a small JPEG of at most 32 kB and 384 pixels a side as a `data:` address.

    What is finer than its room is made coarser first, then smaller.

    Args:
        picture: In 8-bit RGB; not changed, never enlarged.

    Examples:
        >>> embedded_picture(Image.new("RGB", (4000, 3000)))[:23]
        'data:image/jpeg;base64,'
    """
    side = LONGEST_SIDE
    while True:
        small = picture.copy()
        small.thumbnail((side, side), Image.Resampling.LANCZOS)
        for quality in _QUALITIES:
            buffer = BytesIO()
            small.save(buffer, "JPEG", quality=quality)
            if buffer.tell() <= MOST_BYTES:
                return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
        side //= 2
