"""Take uploads: one file at a time and visitor, of bounded size, in bounded time and room."""

import asyncio
from typing import Final

from trmml.page.refusals import App, Message, Receive, Scope, Send, answer, header
from trmml.page.upload_folder import UploadFolder

__all__ = ["Uploads"]

MAX_AT_ONCE: Final = 8
MAX_SECONDS: Final = 120.0
"""Longest time that an upload may take."""

_FORM: Final = 64 * 2**10  # bytes around the file
_PATH: Final = "/gradio_api/upload"
_PROGRESS: Final = "/gradio_api/upload_progress"


class Uploads:
    """Refuse uploads that are too large, too slow or too many; an unfinished one leaves nothing.

    Args:
        app: What answers the rest.
        folder: Where uploads lie.
        max_bytes: Of one upload.
    """

    def __init__(self, app: App, *, folder: UploadFolder, max_bytes: int) -> None:
        """Keep all three."""
        self.app = app
        self.folder = folder
        self.max_bytes = max_bytes
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        path = scope["path"].rstrip("/")
        if path == _PROGRESS:  # whoever never asks for it would leave it in memory
            return await answer(send, 200, 'data: {"msg": "done"}\n\n', kind="text/event-stream")
        if path != _PATH:
            return await self.app(scope, receive, send)
        length = header(scope, "content-length")
        if length is not None and length.isdecimal() and int(length) > self.max_bytes + _FORM:
            return await answer(send, 413, self._too_large())
        if self._under_way >= MAX_AT_ONCE or not self.folder.has_room(
            (self._under_way + 1) * self.max_bytes
        ):
            text = "Too many photographs are being looked at; try again in a minute."
            return await answer(send, 503, text)
        self._under_way += 1
        try:
            scope = {**scope, "query_string": b""}
            return await self.app(scope, self._bounded(receive), send)
        finally:
            self._under_way -= 1

    def _bounded(self, receive: Receive) -> Receive:
        """Break off what grows or lasts too long, as the form's parser does: it then cleans up."""
        from starlette.formparsers import MultiPartException

        loop = asyncio.get_running_loop()
        end, size = loop.time() + MAX_SECONDS, 0

        async def receive_bounded() -> Message:
            nonlocal size
            try:
                message = await asyncio.wait_for(receive(), end - loop.time())
            except TimeoutError:
                raise MultiPartException("The upload took too long.") from None
            if message["type"] == "http.disconnect":
                raise MultiPartException("The upload was broken off.")
            size += len(message.get("body", b""))
            if size > self.max_bytes + _FORM:
                raise MultiPartException(self._too_large())
            return message

        return receive_bounded

    def _too_large(self) -> str:
        return f"A photograph of at most {self.max_bytes} bytes is the maximum allowed size."
