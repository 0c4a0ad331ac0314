"""A page that holds all it shows."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from trmml.charts.markup import escaped

__all__ = ["html_page"]

# Whatever a name from outside holds, the page runs nothing and asks nobody for anything.
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def html_page(title: str, sections: Iterable[str]) -> str:
    """Return an HTML page that needs no network, no script and no other file.

    Args:
        title: Of the page, as text.
        sections: HTML, from top to bottom; words from outside have gone through `escaped`.

    Examples:
        >>> page = html_page("a & b", ["<p>All is well.</p>"])
        >>> "<h1>a &amp; b</h1>" in page, "<script" in page, "://" in page
        (True, False, False)
    """
    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    name = escaped(title)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{name}</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{name}</h1>\n" + "\n".join(sections) + "\n</main>\n</body>\n</html>\n"
    )
