"""From the addresses that labelling tools write for images to files in a folder."""

import os
import re
from collections.abc import Sequence
from urllib.parse import parse_qs, unquote, urlsplit

from trmml.data.file_names import plain_name, resolve_names

__all__ = ["address_tails", "files_of_addresses"]

_UPLOAD = re.compile(r"^[0-9a-f]{8}-(?=.)")  # Label Studio puts this before what was uploaded


def address_tails(address: str) -> list[str]:
    r"""Return the file names that an address may mean, the longest first.

    Args:
        address: A file name, a path from the root, or an address with a scheme.

    Returns:
        A file name alone, as a plain name; the path of an address, then with ever fewer folders.

    Examples:
        >>> address_tails("http://images.example.org/train2017/0001.jpg")
        ['train2017/0001.jpg', '0001.jpg']
        >>> address_tails("photos\\a.jpg")
        ['photos/a.jpg']
        >>> address_tails("/data/local-files/?d=photos/a.jpg")
        ['photos/a.jpg', 'a.jpg']
    """
    parts = urlsplit(address) if "://" in address or address.startswith("/data/") else None
    if parts is None:
        name = plain_name(address)
        if not name.startswith("/") and name[1:3] != ":/":
            return [name]
    else:
        # Label Studio serves local files at one address, with the path as its argument `d`.
        name = plain_name(parse_qs(parts.query).get("d", [unquote(parts.path)])[0])
    folders = [part for part in name.split("/") if part]
    return ["/".join(folders[start:]) for start in range(len(folders))] or [address]


def files_of_addresses(addresses: Sequence[str], root: str | os.PathLike[str]) -> list[str]:
    """Return the file in a folder that each address means: its longest end that is there.

    A name may also begin with the folder itself, and with those above it. Where nothing is there,
    a file name stays as it is, and of an address the last folder and the file name are left.
    Separators and Unicode forms may differ, see `resolve_names`.

    Args:
        addresses: File names or addresses, of whatever system.
        root: The folder, which need not exist.

    Examples:
        >>> files_of_addresses(["s3://bucket/photos/a.jpg"], "no_such_folder")
        ['photos/a.jpg']
    """
    return resolve_names([_file(address, os.fspath(root)) for address in addresses], root)


def _file(address: str, root: str) -> str:
    tails = address_tails(address)
    if len(tails) == 1:
        return _without_folder(tails[0], root)
    if os.path.isabs(plain_name(address)) and os.path.exists(plain_name(address)):  # noqa: PTH110, PTH117 - strings
        return plain_name(address)
    without_number = _UPLOAD.sub("", tails[-1])
    for name in [*tails, without_number]:
        if os.path.exists(os.path.join(root, name)):  # noqa: PTH110, PTH118 - strings
            return name
    return tails[-2]


def _without_folder(name: str, root: str) -> str:
    """Return a name that begins with the end of the folder's own path without that."""
    if "/" not in name or os.path.exists(os.path.join(root, name)):  # noqa: PTH110, PTH118 - strings
        return name
    above = plain_name(os.path.abspath(root)).split("/")  # noqa: PTH100 - strings
    parts = name.split("/")
    for count in range(min(len(above), len(parts) - 1), 0, -1):
        inside = "/".join(parts[count:])
        if parts[:count] == above[-count:] and os.path.exists(os.path.join(root, inside)):  # noqa: PTH110, PTH118 - strings
            return inside
    return name
