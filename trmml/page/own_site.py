"""Answer the page's own site alone: no other site may use a visitor's browser to ask."""

import socket
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from trmml.page.refusals import App, Receive, Scope, Send, answer, header

__all__ = ["OwnSite", "is_loopback", "known_names", "name_of"]

_READING: Final = ("GET", "HEAD")


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach an address.

    Examples:
        >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0")
        (True, False)
    """
    return host in ("localhost", "::1") or host.startswith("127.")


def known_names(host: str, names: Sequence[str] = ()) -> frozenset[str]:
    """Return the names by which the page may be asked for, besides bare addresses.

    Args:
        host: Address that is listened on.
        names: Further ones, as of a proxy in front.

    Raises:
        ValueError: If one is no plain name of a host.

    Examples:
        >>> sorted(known_names("127.0.0.1", ["photos.example.org"]))
        ['127.0.0.1', 'localhost', 'photos.example.org']
    """
    for name in names:
        if not name or name_of(name) != name.lower():
            raise ValueError(
                f"`names` must hold names of hosts such as photos.example.org, got {name!r}; leave "
                "out `https://`, the port and the path."
            )
    known = [host, "localhost", *names]
    if not is_loopback(host):
        own = socket.gethostname()
        known += [own, f"{own.split('.')[0]}.local"]
    return frozenset(name.lower() for name in known)


def name_of(host: str) -> str:
    """Return the name in a host header, or in an origin, without its port.

    Examples:
        >>> name_of("localhost:7860"), name_of("[::1]:7860"), name_of("https://a.example")
        ('localhost', '::1', 'a.example')
    """
    try:
        return (urlsplit(host if "//" in host else f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


class OwnSite:
    """Refuse what is asked under a foreign name, or by the pages of another site.

    A foreign name that is made to point at this machine would have a browser take the page for that
    site's own. A bare address cannot be made to, and is answered.

    Args:
        app: What answers the rest.
        host: Address that is listened on.
        names: Further names, as of a proxy in front, which may have changed the one asked for.
    """

    def __init__(self, app: App, *, host: str, names: Sequence[str] = ()) -> None:
        """Keep the application and the names."""
        self.app = app
        self.proxies = frozenset(name.lower() for name in names)
        self.names = known_names(host, names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http":
            host = header(scope, "host") or ""
            if not self._is_known(host):
                text = "This page is not served under that name; `trmml serve --name` adds one."
                return await answer(send, 403, text)
            if not self._is_own(scope, host):
                return await answer(send, 403, "Pages of other sites get no answer here.")
        return await self.app(scope, receive, send)

    def _is_known(self, host: str) -> bool:
        name = name_of(host)
        if name in self.names:
            return True
        try:
            ip_address(name)
        except ValueError:
            return False
        return True

    def _is_own(self, scope: Scope, host: str) -> bool:
        """Say whether the page itself asks, or someone who is no page at all."""
        origin = header(scope, "origin")
        if origin is not None:
            asking = origin.partition("://")[2].lower()
            if asking != host.lower() and name_of(origin) not in self.proxies:
                return False
        site = header(scope, "sec-fetch-site")
        follows_link = scope["method"] in _READING and header(scope, "sec-fetch-mode") == "navigate"
        return site in (None, "none", "same-origin") or follows_link
