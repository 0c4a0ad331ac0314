"""Read text that people and programs wrote, whatever mark or encoding it starts with."""

import codecs
import os

from trmml.regular_files import require_regular_file

__all__ = ["marked_encoding", "read_text"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def marked_encoding(data: bytes) -> str | None:
    r"""Return the encoding that a byte order mark at the start of a text tells, or None.

    Args:
        data: A text, or its first bytes.

    Examples:
        >>> marked_encoding(b"\xff\xfea\0"), marked_encoding(b"a")
        ('utf-16', None)
    """
    return next((name for mark, name in _MARKS if data.startswith(mark)), None)


def read_text(path: str | os.PathLike[str], *, encoding: str | None = None) -> str:
    """Return a file's text; without an encoding, UTF-8, or UTF-16 where it says so itself.

    Args:
        path: A text file, with or without a byte order mark.
        encoding: Its encoding, for files of older programs ("cp1252", "latin-1", "shift_jis").

    Raises:
        ValueError: If the file does not exist or is no plain file, is empty, or is in another
            encoding.
    """
    try:
        data = require_regular_file(path).read_bytes()
    except FileNotFoundError:
        raise ValueError(f"{path}: the file does not exist; check the path.") from None
    if data.startswith(b"PK\x03\x04"):
        raise ValueError(f"{path}: this is a workbook or an archive; save the sheet as CSV UTF-8.")
    if encoding is None:
        encoding = marked_encoding(data) or "utf-8"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path}: line {line} is not {error.encoding} (byte {data[error.start]:#04x}); save "
            'the file as UTF-8, or pass its encoding, often `encoding="cp1252"`, on the command '
            "line `--read encoding=cp1252`."
        ) from None
    if not text.strip():
        raise ValueError(f"{path}: the file is empty.")
    return text
