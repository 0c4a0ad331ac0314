"""Answer what the page itself asks for, and nothing else that Gradio can do."""

from collections.abc import Collection
from pathlib import Path
from typing import Final

from trmml.page.refusals import App, Message, Receive, Scope, Send, answer

__all__ = ["OpenRoutes"]

_READ: Final = frozenset(
    {"/", "/config", "/theme.css", "/favicon.ico", "/manifest.json", "/robots.txt"}
    | {f"/gradio_api/{name}" for name in ("info", "app_id", "startup-events", "theme.css")}
    | {"/gradio_api/queue/data", "/gradio_api/upload_progress"}
)
_READ_BELOW: Final = ("/assets/", "/static/", "/svelte/", "/gradio_api/heartbeat/")
_WRITTEN: Final = frozenset({"/gradio_api/queue/join", "/gradio_api/upload"})
_FILE: Final = "/gradio_api/file="
_LONGEST: Final = 2048  # characters of an address

# The browser itself refuses to fetch anything from elsewhere, whatever a future Gradio asks for.
# Gradio compiles its templates in the page, hence `unsafe-eval`.
_POLICY: Final = (
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_HEADERS: Final = [
    (b"content-security-policy", _POLICY.encode()),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
]


class OpenRoutes:
    """Refuse every other address, too many requests at once, and files that are no examples.

    Gradio's own further doors fetch addresses, edit code, or keep what they are sent.

    Args:
        app: What answers the rest.
        examples: Files that may be fetched; others of the page's folder are other visitors'.
        max_open: Requests that may be under way; each visitor holds one or two open.
    """

    def __init__(self, app: App, *, examples: Collection[Path], max_open: int) -> None:
        """Keep all three."""
        self.app = app
        self.examples = examples
        self.max_open = max_open
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, with the content policy on every answer."""
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008})
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS]
            await send(message)

        if not self._is_open(scope):
            return await answer(send_with_policy, 404, "There is nothing here.")
        if self._open >= self.max_open:
            return await answer(send_with_policy, 503, "Too many visitors; try again soon.")
        self._open += 1
        try:
            return await self.app(scope, receive, send_with_policy)
        finally:
            self._open -= 1

    def _is_open(self, scope: Scope) -> bool:
        path, method = scope["path"], scope["method"]
        if len(path) + len(scope["query_string"]) > _LONGEST:
            return False
        if method == "POST":
            return path.rstrip("/") in _WRITTEN
        if method not in ("GET", "HEAD"):
            return False
        if path.startswith(_FILE):
            return Path(path.removeprefix(_FILE)) in self.examples
        return path in _READ or path.startswith(_READ_BELOW)
