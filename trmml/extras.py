"""How to install what is missing, as this library itself was installed."""

import json
from importlib.metadata import PackageNotFoundError, distribution
from urllib.parse import urlparse
from urllib.request import url2pathname

__all__ = ["install_line"]


def install_line(extra: str) -> str:
    """Return the command that adds an extra to this installation.

    Args:
        extra: Its name in `pyproject.toml`.

    Returns:
        From an index by name; from a folder, an archive or a repository by where it came from, as
        no index may have it, or another one.

    Examples:
        >>> install_line("train").startswith("pip install ")
        True
    """
    try:
        origin = json.loads(distribution("trmml").read_text("direct_url.json") or "{}")
    except PackageNotFoundError:  # imported from a folder that is not installed
        origin = {}
    url = origin.get("url")
    if url is None:
        return f'pip install "trmml[{extra}]"'
    if "dir_info" in origin:
        editable = "-e " * bool(origin["dir_info"].get("editable"))
        return f'pip install {editable}"{url2pathname(urlparse(url).path)}[{extra}]"'
    if "vcs_info" in origin:
        vcs = origin["vcs_info"]
        url = f"{vcs['vcs']}+{url}@{vcs['commit_id']}"
    return f'pip install "trmml[{extra}] @ {url}"'
