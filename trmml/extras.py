"""How to install what is missing, as this library itself was installed."""

import json
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

__all__ = ["install_line"]


def install_line(extra: str) -> str:
    """Return the command that adds an extra to this installation.

    Args:
        extra: Its name in `pyproject.toml`.

    Returns:
        From an index by name. From a checkout, found by an editable installation or by
        `PYTHONPATH` alone, and from a folder, an archive or a repository by where it came from, as
        no index may have it, or another one.

    Examples:
        >>> install_line("train").startswith("pip install ")
        True
    """
    checkout = Path(__file__).resolve().parents[1]
    if _is_checkout(checkout):
        return f'pip install -e "{checkout}[{extra}]"'
    try:
        origin = json.loads(distribution("trmml").read_text("direct_url.json") or "{}")
    except PackageNotFoundError:  # a copy of the package alone
        origin = {}
    url = origin.get("url")
    if url is None:
        return f'pip install "trmml[{extra}]"'
    if "dir_info" in origin:
        return f'pip install "{url2pathname(urlparse(url).path)}[{extra}]"'
    if "vcs_info" in origin:
        vcs = origin["vcs_info"]
        url = f"{vcs['vcs']}+{url}@{vcs['commit_id']}"
    inside = f"#subdirectory={origin['subdirectory']}" if "subdirectory" in origin else ""
    return f'pip install "trmml[{extra}] @ {url}{inside}"'


def _is_checkout(folder: Path) -> bool:
    """Say whether a folder holds the sources of this library: other packages leave such files."""
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return project.get("project", {}).get("name") == "trmml"
