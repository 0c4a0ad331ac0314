"""What visitors can make the page hold, and what others can make it do."""

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from PIL import Image

from tests.page.small_page import small_model, write_scene
from tests.page.visitor import ASK, SHOW, Visitor
from trmml.page import build_page, server, serving
from trmml.page.photo_inspector import MAX_TEXT
from trmml.page.questions import MAX_UNANSWERED

MEBIBYTE = 2**20


@pytest.fixture(scope="module")
def pages() -> list[Any]:
    return []


@pytest.fixture(scope="module")
def address(pages: list[Any]) -> Iterator[str]:
    def noted(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        pages.append(build_page(*arguments, **options))
        return pages[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "build_page", noted)
        patch.setattr(server, "MAX_SESSIONS", 2)
        patch.setattr(server, "PRUNE_SECONDS", 0.1)
        with serving(small_model(), port=0) as address:
            yield address


def held(page: Any) -> int:  # noqa: ANN401
    """Return the bytes that all visitors' states take."""
    return sum(
        len(pickle.dumps([state.state_data, [*state.components]]))
        for state in page.state_holder.session_data.values()
    )


def test_of_a_photograph_only_what_is_shown_is_kept(
    address: str, pages: list[Any], tmp_path: Path
) -> None:
    Image.effect_noise((4000, 3000), 60).save(tmp_path / "large.jpg", quality=20)
    before = held(pages[0])
    assert Visitor(address).drop(tmp_path / "large.jpg") == ""
    kept = held(pages[0]) - before
    assert 10_000 < kept < 3 * MEBIBYTE  # 36 MB decoded


def test_few_visitors_are_known_and_a_forgotten_one_is_told(
    address: str, pages: list[Any], tmp_path: Path
) -> None:
    scene = write_scene(tmp_path / "scene.png")
    first, *others = (Visitor(address) for _ in range(4))
    assert first.look_for("kite") == "Drop a photograph first."
    assert first.drop(scene) == ""
    assert first.look_for("kite") == ""
    for other in others:
        assert other.drop(scene) == ""
    assert first.look_for("kite").startswith("That photograph is no longer kept here")
    assert first.drop(scene) == ""
    assert first.look_for("kite") == ""
    queue = pages[0]._queue
    for kept in (
        pages[0].state_holder.session_data,
        queue.pending_messages_per_session,
        queue.pending_event_ids_session,
    ):
        assert len(kept) <= 2
    assert not queue.event_analytics  # nor a list of who asked when


def test_answers_that_nobody_reads_do_not_pile_up(address: str) -> None:
    visitor = Visitor(address)
    taken = [visitor.join(ASK, "kite", None, None, False).status_code for _ in range(9)]
    assert taken == [200] * MAX_UNANSWERED + [429] * (9 - MAX_UNANSWERED)
    assert len(visitor.answers()) == MAX_UNANSWERED
    assert visitor.look_for("kite") == "Drop a photograph first."


def test_long_words_and_a_broken_photograph_are_told(address: str, tmp_path: Path) -> None:
    visitor = Visitor(address)
    assert visitor.drop(write_scene(tmp_path / "scene.png")) == ""
    assert f"at most {MAX_TEXT} characters" in visitor.look_for("x" * (MAX_TEXT + 1))
    (tmp_path / "broken.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0")
    assert "PostScript" in visitor.drop(tmp_path / "broken.jpg")


def test_a_score_that_is_no_number_is_told(tmp_path: Path) -> None:
    model = small_model()
    with torch.no_grad():
        model.log_temperature.fill_(torch.nan)
    with serving(model, port=0) as address:
        told = Visitor(address).drop(write_scene(tmp_path / "scene.png"))
    assert "must be a finite number" in told


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Host": "evil.example"}],
    ids=["origin", "host"],
)
def test_other_sites_are_refused(address: str, headers: dict[str, str]) -> None:
    for path in ("upload", "queue/join"):
        door = f"{address}/gradio_api/{path}"
        upload = {"files": ("mine.jpg", b"x")}
        assert httpx.post(door, files=upload, headers=headers).status_code == 403
    own = {"Origin": address, "Sec-Fetch-Site": "same-origin"}
    door = f"{address}/gradio_api/upload"
    assert httpx.post(door, files={"files": ("mine.jpg", b"x")}, headers=own).status_code == 200


def test_no_address_is_fetched_for_a_visitor(address: str) -> None:
    file = {"path": "http://192.0.2.1/secret.jpg", "meta": {"_type": "gradio.FileData"}}
    assert Visitor(address).join(SHOW, file, None).status_code == 400
    assert httpx.get(f"{address}/gradio_api/file=http://192.0.2.1/").status_code == 404


def test_a_broken_off_upload_leaves_nothing(address: str, pages: list[Any]) -> None:
    def body() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n'
        yield bytes(200_000)
        raise ConnectionError

    def large() -> list[Path]:
        files = Path(pages[0].app.uploaded_file_dir).glob("tmp*")
        return [file for file in files if file.stat().st_size]

    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    with pytest.raises(ConnectionError):
        httpx.post(f"{address}/gradio_api/upload", content=body(), headers=kind)
    for _ in range(100):
        if not large():
            break
        time.sleep(0.02)
    assert not large()


def test_uploads_are_deleted_after_a_while(
    address: str, pages: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [stored] = Visitor(address).upload(write_scene(tmp_path / "scene.png")).json()
    assert Path(stored).exists()
    monkeypatch.setattr(server, "KEEP_SECONDS", -1)
    for _ in range(300):
        if not Path(stored).parent.exists():
            break
        time.sleep(0.05)
    assert not Path(stored).parent.exists()
    time.sleep(0.2)
    assert not any(pages[0].temp_file_sets)


SERVE_TWICE = """
import signal
import sys
from trmml import TRMML
from trmml.page import serve
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may have been started by nohup
model = TRMML.from_pretrained(sys.argv[1])
for _ in range(2):
    serve(model, port=0)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system has no SIGHUP")
def test_uploads_are_deleted_when_the_process_is_ended(tmp_path: Path) -> None:
    small_model().save_pretrained(tmp_path / "model")
    temporary = tmp_path / "temporary"
    scene = write_scene(tmp_path / "scene.png")
    with subprocess.Popen(
        [sys.executable, "-c", SERVE_TWICE, str(tmp_path / "model")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "GRADIO_TEMP_DIR": str(temporary)},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            for number in (signal.SIGTERM, signal.SIGHUP):
                line = process.stdout.readline()
                assert "The page is at" in line, process.stderr.read()
                [stored] = Visitor(line.split()[4]).upload(scene).json()
                assert Path(stored).is_relative_to(temporary)
                assert Path(stored).exists()
                process.send_signal(number)
                assert process.stdout.readline() == "\n"
                assert process.stdout.readline() == "The page is closed.\n"
                assert not Path(stored).exists()
            assert process.wait(30) == 0
            assert not [*temporary.glob("trmml-page-*")]
        finally:
            process.kill()
        assert process.stderr.read() == ""
