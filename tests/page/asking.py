"""Ask an ASGI application, without a server."""

import asyncio
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from trmml.page.refusals import App, Message, Receive, Scope, Send, answer


def scope_of(
    path: str, method: str = "GET", headers: dict[str, str] | None = None, query: str = ""
) -> Scope:
    """Describe a request."""
    given = {"host": "127.0.0.1:7860", **(headers or {})}
    raw = [(key.encode(), value.encode()) for key, value in given.items()]
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": quote(path).encode(),
        "query_string": query.encode(),
        "headers": raw,
    }


def chunks(*parts: bytes) -> list[Message]:
    """Split a body over messages."""
    last = len(parts) - 1
    return [
        {"type": "http.request", "body": part, "more_body": number < last}
        for number, part in enumerate(parts)
    ]


async def asked(app: App, scope: Scope, messages: Iterable[Message] = ()) -> tuple[int, str]:
    """Return the status and the text of an answer."""
    waiting = [*messages] or chunks(b"")
    sent: list[Message] = []

    async def receive() -> Message:
        if not waiting:
            await asyncio.sleep(3600)
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], body.decode()


def ask(app: App, scope: Scope, messages: Sequence[Message] = ()) -> tuple[int, str]:
    """Return the status and the text of an answer, outside of any loop."""
    return asyncio.run(asked(app, scope, messages))


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with what was asked."""
    body = b""
    while scope["method"] == "POST":
        message = await receive()
        body += message["body"]
        if not message["more_body"]:
            break
    await answer(send, 200, f"{scope['path']}?{scope['query_string'].decode()} {body.decode()}")
