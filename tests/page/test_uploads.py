import asyncio
from pathlib import Path

import pytest

from tests.page.asking import ask, asked, chunks, echo, scope_of
from trmml.page import upload_folder, uploads
from trmml.page.refusals import Message, Receive, Scope, Send, answer
from trmml.page.upload_folder import UploadFolder
from trmml.page.uploads import Uploads

starlette = pytest.importorskip("starlette.formparsers")
UPLOAD = scope_of("/gradio_api/upload", "POST", query="upload_id=1")


async def parser(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer as Gradio's parser of forms does when a form goes wrong."""
    try:
        await echo(scope, receive, send)
    except starlette.MultiPartException as error:
        await answer(send, 413, f"cleaned up: {error.message}")


@pytest.fixture
def app(tmp_path: Path) -> Uploads:
    return Uploads(parser, folder=UploadFolder(tmp_path), max_bytes=100)


def test_an_upload_passes_and_its_progress_is_not_followed(app: Uploads) -> None:
    assert ask(app, UPLOAD, chunks(b"a photo", b"graph")) == (
        200,
        "/gradio_api/upload? a photograph",
    )
    progress = scope_of("/gradio_api/upload_progress", query="upload_id=1")
    assert ask(app, progress) == (200, 'data: {"msg": "done"}\n\n')


def test_a_large_upload_is_refused_before_it_is_read(app: Uploads) -> None:
    scope = scope_of("/gradio_api/upload", "POST", {"content-length": "70000"})
    status, text = ask(app, scope, [{"type": "never read"}])
    assert status == 413
    assert "at most 100 bytes" in text


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        (chunks(b"a" * 40_000, b"a" * 40_000, b"a"), "at most 100 bytes"),  # whatever it announced
        ([chunks(b"a", b"")[0], {"type": "http.disconnect"}], "broken off"),
        ([chunks(b"a", b"")[0]], "too long"),
    ],
    ids=["large", "broken off", "slow"],
)
def test_what_goes_wrong_on_the_way_is_cleaned_up(
    app: Uploads, monkeypatch: pytest.MonkeyPatch, messages: list[Message], said: str
) -> None:
    monkeypatch.setattr(uploads, "MAX_SECONDS", 0.05)
    status, text = ask(app, UPLOAD, messages)
    assert status == 413
    assert text.startswith("cleaned up")
    assert said in text


def test_only_so_many_uploads_are_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MAX_AT_ONCE", 1)
    ended = asyncio.Event()

    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
        await ended.wait()
        await echo(scope, receive, send)

    async def crowd() -> list[int]:
        app = Uploads(waiting, folder=UploadFolder(tmp_path), max_bytes=100)
        first = asyncio.create_task(asked(app, UPLOAD))
        await asyncio.sleep(0)
        second = await asked(app, UPLOAD)
        ended.set()
        return [(await first)[0], second[0], (await asked(app, UPLOAD))[0]]

    assert asyncio.run(crowd()) == [200, 503, 200]


def test_uploads_in_total_are_bounded(app: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_folder, "MAX_BYTES", 150)
    assert ask(app, UPLOAD)[0] == 200
    (app.folder.path / "one.jpg").write_bytes(bytes(60))
    status, text = ask(app, UPLOAD)
    assert status == 503
    assert "try again in a minute" in text
