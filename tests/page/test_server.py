import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.page.small_page import small_model, write_scene
from trmml.models import TRMML
from trmml.page import serve, serving

CONTACTED: list[str] = []
"""Addresses that this process connected to, or names that it looked up."""


def _note_contacts(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        CONTACTED.append(str(arguments[1][0]))
    elif event == "socket.getaddrinfo":
        CONTACTED.append(str(arguments[0]))


sys.addaudithook(_note_contacts)


@pytest.fixture(scope="module")
def model() -> TRMML:
    return small_model()


@pytest.fixture(scope="module")
def address(model: TRMML, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    example = write_scene(tmp_path_factory.mktemp("examples") / "scene.png")
    CONTACTED.clear()
    with serving(model, port=0, examples=[example]) as address:
        yield address


def test_it_listens_on_this_machine_alone(address: str) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", address)
    assert httpx.get(address).status_code == 200
    port = int(address.rsplit(":", 1)[1])
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", port), timeout=5)  # loopback, but not asked for


def test_starting_contacts_nobody_else(address: str) -> None:
    httpx.get(address)
    assert CONTACTED, "the audit notes nothing"
    assert {where.split("%")[0] for where in CONTACTED} <= {"127.0.0.1", "127.0.0.2", "localhost"}


def test_a_name_made_to_point_here_gets_nothing(address: str) -> None:
    assert httpx.get(address, headers={"Host": "evil.example"}).status_code == 403
    port = address.rsplit(":", 1)[1]
    assert httpx.get(address, headers={"Host": f"localhost:{port}"}).status_code == 200


def test_the_browser_is_told_to_stay_here(address: str) -> None:
    headers = httpx.get(address).headers
    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert "http" not in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"


def test_no_file_of_this_machine_is_given_away(address: str) -> None:
    for path in ("/etc/passwd", Path(__file__).resolve(), Path.cwd() / "pyproject.toml"):
        assert httpx.get(f"{address}/gradio_api/file={path}").status_code in (403, 404)


def test_there_is_no_programming_interface(address: str) -> None:
    described = httpx.get(f"{address}/gradio_api/info").json()
    assert described["named_endpoints"] == described["unnamed_endpoints"] == {}


def test_a_file_over_the_limit_is_refused(address: str) -> None:
    upload = {"files": ("large.jpg", bytes(21 * 2**20))}
    assert httpx.post(f"{address}/gradio_api/upload", files=upload).status_code == 413


def test_a_used_port_is_named(model: TRMML) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(OSError, match=f"port {port} .*in use.*another port"),
            serving(model, port=port),
        ):
            pass


def test_a_foreign_address_is_refused(model: TRMML) -> None:
    with (
        pytest.raises(OSError, match=r"cannot listen on 192\.0\.2\.1"),
        serving(model, host="192.0.2.1", port=0),
    ):
        pass


def test_closing_frees_the_port_and_deletes_uploads(model: TRMML) -> None:
    with serving(model, port=0) as address:
        upload = {"files": ("mine.jpg", b"private")}
        [stored] = httpx.post(f"{address}/gradio_api/upload", files=upload).json()
        assert Path(stored).read_bytes() == b"private"
    assert not Path(stored).exists()
    with socket.create_server(("127.0.0.1", int(address.rsplit(":", 1)[1]))):
        pass


@pytest.mark.parametrize(("host", "warned"), [("0.0.0.0", True), ("127.0.0.1", False)])
def test_serving_others_is_only_by_request_and_with_a_warning(
    model: TRMML,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    host: str,
    warned: bool,
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)

    class Interrupted(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002
            raise KeyboardInterrupt

    monkeypatch.setattr("trmml.page.server.Event", Interrupted)
    serve(model, host=host, port=0, open_browser=True)
    output = capsys.readouterr().out
    assert ("whoever can reach" in output) == warned
    assert opened
    assert f"The page is at {opened[0]}" in output


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system has no SIGHUP")
def test_what_was_told_to_outlive_its_terminal_does(
    model: TRMML, monkeypatch: pytest.MonkeyPatch
) -> None:
    during = []

    class Interrupted(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002
            during.append([signal.getsignal(number) for number in ends])
            raise KeyboardInterrupt

    ends = (signal.SIGTERM, signal.SIGHUP)
    monkeypatch.setattr("trmml.page.server.Event", Interrupted)
    before = signal.getsignal(signal.SIGTERM), signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        serve(model, port=0)
        assert during == [[signal.default_int_handler, signal.SIG_IGN]]
        assert signal.getsignal(signal.SIGTERM) == before[0]
    finally:
        signal.signal(signal.SIGHUP, before[1])


@pytest.mark.slow
def test_the_command_prints_its_address_and_ends_with_ctrl_c(model: TRMML, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path / "model")
    command = [sys.executable, "-c", "from trmml.cli import main; main()"]
    with subprocess.Popen(
        [*command, "serve", str(tmp_path / "model"), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
        # A shell's job in the background ignores Ctrl-C, and so would all that it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
            assert found is not None, process.stderr.read()
            assert "What is in the picture" in httpx.get(found[0]).text
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
        finally:
            process.kill()
        assert "closed" in process.stdout.read()
        assert "Traceback" not in process.stderr.read()
