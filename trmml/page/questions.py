"""Take a visitor's questions: short ones, of visitors who read their answers."""

import json
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

from trmml.page.gradio_queue import GradioQueue
from trmml.page.refusals import App, Message, Receive, Scope, Send, answer

__all__ = ["Questions"]

MAX_LENGTH: Final = 16 * 2**10
"""Longest question, in bytes; one names a file or a few words."""

MAX_UNANSWERED: Final = 6
"""Answers that wait for one visitor to read them; the page asks two things at once."""

_MAX_PARTS: Final = 8
_SESSION: Final = re.compile(r"[\w-]{1,64}", re.ASCII)
_HEARTBEAT: Final = "/gradio_api/heartbeat/"


class Questions:
    """Refuse questions that are no such thing, and forget the visitor seen longest ago.

    Args:
        app: What answers the rest.
        answers: What the queue holds.
        uploads: Folder in which a photograph that is asked about lies.
        max_sessions: Visitors for whom anything is kept.
    """

    def __init__(self, app: App, *, answers: GradioQueue, uploads: Path, max_sessions: int) -> None:
        """Keep them, and know nobody."""
        self.app = app
        self.answers = answers
        self.uploads = uploads
        self.max_sessions = max_sessions
        self._seen: OrderedDict[str, None] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http":
            path = scope["path"].rstrip("/")
            if path == "/gradio_api/queue/join":
                return await self._take(scope, receive, send)
            if path == "/gradio_api/queue/data" and not self._is_known(scope):
                return await answer(send, 404, "Nothing waits for this session.")
            heartbeat = scope["path"].removeprefix(_HEARTBEAT)
            if heartbeat != scope["path"] and not _SESSION.fullmatch(heartbeat):
                return await answer(send, 404, "This is no session.")
        return await self.app(scope, receive, send)

    def _is_known(self, scope: Scope) -> bool:
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [])
        return len(asked) == 1 and asked[0] in self._seen

    async def _take(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _short_body(receive)
        if body is None:
            return await _refuse(send, 413, "The question is too long.")
        session = self._session(body)
        if session is None:
            return await _refuse(send, 400, "This is no question of the page.")
        if self.answers.count(session) >= MAX_UNANSWERED:
            text = "Too many questions of this page wait for their answers; reload it."
            return await _refuse(send, 429, text)
        self._seen[session] = None
        self._seen.move_to_end(session)
        while len(self._seen) > self.max_sessions:
            await self.answers.forget(self._seen.popitem(last=False)[0])
        return await self.app(scope, _once(body, receive), send)

    def _session(self, body: bytes) -> str | None:
        """Return the session of a question, or None if it is nothing that the page asks."""
        try:
            question = json.loads(body)
        except (ValueError, RecursionError):
            return None
        if not isinstance(question, dict) or not isinstance(question.get("data"), list):
            return None
        session, parts = question.get("session_hash"), question["data"]
        if not isinstance(session, str) or not _SESSION.fullmatch(session):
            return None
        if len(parts) > _MAX_PARTS or not all(self._is_plain(part) for part in parts):
            return None
        return session

    def _is_plain(self, part: Any) -> bool:  # noqa: ANN401 - whatever JSON holds
        if not isinstance(part, dict):
            return part is None or isinstance(part, str | int | float)
        # Gradio would fetch an address for whoever names one as a file.
        path = part.get("path")
        return isinstance(path, str) and Path(path).parent.parent == self.uploads


async def _short_body(receive: Receive) -> bytes | None:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_LENGTH or message["type"] == "http.disconnect":
            return None
        if not message.get("more_body", False):
            return body


def _once(body: bytes, receive: Receive) -> Callable[[], Awaitable[Message]]:
    """Give a body that was read already, then whatever comes."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again


async def _refuse(send: Send, status: int, text: str) -> None:
    await answer(send, status, json.dumps({"detail": text}), kind="application/json")
