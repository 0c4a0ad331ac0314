import asyncio
from pathlib import Path

import pytest

from tests.page.asking import ask, asked, chunks, echo, scope_of
from trmml.page.open_routes import OpenRoutes
from trmml.page.refusals import Message, Receive, Scope, Send

EXAMPLE = Path("/tmp/of-the-server/abc/scene.png")


def routes(*, max_open: int = 3) -> OpenRoutes:
    return OpenRoutes(echo, examples={EXAMPLE}, max_open=max_open)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", f"/gradio_api/{door}") for door in ("deep_link", "runs", "monitoring", "info/x")),
        ("GET", "/gradio_api/proxy=http://192.0.2.1/"),
        ("GET", "/gradio_api/file=http://192.0.2.1/"),
        ("GET", "/gradio_api/file=/etc/passwd"),
        ("GET", f"/gradio_api/file={EXAMPLE.parent}/other.png"),
        ("GET", f"/gradio_api/file={EXAMPLE.parent}/../def/scene.png"),
        *(
            ("POST", f"/gradio_api/{door}")
            for door in ("run/predict", "call/x", "component_server", "process_recording", "cancel")
        ),
        ("POST", "/gradio_api/vibe-edit/"),
        ("POST", "/"),
        ("PUT", "/gradio_api/upload"),
        ("GET", "/assets/" + "a" * 3000),
    ],
)
def test_what_the_page_never_asks_for_is_not_there(method: str, path: str) -> None:
    assert ask(routes(), scope_of(path, method)) == (404, "There is nothing here.")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("HEAD", "/"),
        ("GET", "/assets/index-1.js"),
        ("GET", "/gradio_api/heartbeat/abc"),
        ("GET", f"/gradio_api/file={EXAMPLE}"),
        ("POST", "/gradio_api/queue/join"),
    ],
)
def test_what_the_page_asks_for_is_answered(method: str, path: str) -> None:
    assert ask(routes(), scope_of(path, method))[0] == 200


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/nothing", 404)])
def test_every_answer_has_the_policy(path: str, status: int) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return chunks(b"")[0]

    asyncio.run(routes()(scope_of(path), receive, send))
    assert sent[0]["status"] == status
    headers = dict(sent[0]["headers"])
    assert headers[b"content-security-policy"].startswith(b"default-src 'self'")
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"content-type"].startswith(b"text/plain")


def test_only_so_many_requests_are_under_way() -> None:
    ended = asyncio.Event()

    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
        await ended.wait()
        await echo(scope, receive, send)

    async def crowd() -> list[tuple[int, str]]:
        app = OpenRoutes(waiting, examples=(), max_open=2)
        first = [asyncio.create_task(asked(app, scope_of("/"))) for _ in range(2)]
        await asyncio.sleep(0)
        third = await asked(app, scope_of("/"))
        ended.set()
        return [*(await asyncio.gather(*first)), third, await asked(app, scope_of("/"))]

    answers = asyncio.run(crowd())
    assert [status for status, _ in answers] == [200, 200, 503, 200]
    assert "Too many visitors" in answers[2][1]


def test_web_sockets_are_closed() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    asyncio.run(routes()({"type": "websocket", "path": "/"}, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]
