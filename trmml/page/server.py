"""Serve the page: to this machine alone, unless asked otherwise."""

import asyncio
import signal
import socket
import webbrowser
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from threading import Event, current_thread, main_thread
from typing import Any, Final

from trmml.models import MultiLabelModel
from trmml.page.build import build_page
from trmml.page.gradio_queue import GradioQueue
from trmml.page.markup import style_rules
from trmml.page.open_routes import OpenRoutes
from trmml.page.own_site import OwnSite, is_loopback, known_names
from trmml.page.questions import Questions
from trmml.page.upload_folder import (
    KEEP_SECONDS,
    PRUNE_SECONDS,
    UploadFolder,
    gradio_writes_to,
    server_folder,
)
from trmml.page.uploads import Uploads

__all__ = ["serve", "serving"]

MAX_FILE_SIZE: Final = 20 * 2**20
MAX_WAITING: Final = 20
MAX_SESSIONS: Final = 64

_MAX_OPEN: Final = 4 * MAX_SESSIONS
_ENDS: Final = ("SIGTERM", "SIGHUP")  # as Ctrl-C does; not every system has both


@contextmanager
def serving(
    model: MultiLabelModel,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    names: Sequence[str] = (),
    examples: Sequence[str | Path] = (),
    trained_on: str | None = None,
) -> Iterator[str]:
    """Serve the page while the block runs; yields its address.

    Args:
        model: A trained model.
        host: Address to listen on. The default is reachable from this machine alone; any other
            opens the page, and with it the model, to whoever can reach that address.
        port: Port to listen on; 0 takes a free one.
        names: Further names by which the page is asked for, as of a proxy in front; what comes
            under a foreign one, or from another site's page, is refused.
        examples: Photographs to click on.
        trained_on: What the head says of the training data; None says nothing.

    Raises:
        ModuleNotFoundError: If Gradio is not installed.
        OSError: If the address is not this machine's, or the port is in use.
        ValueError: If `names` holds what is no plain name of a host, or an example is no image.
    """
    from gradio.themes import Default
    from starlette.middleware import Middleware

    known_names(host, names)  # refuses what is none, before anything is made
    port = _free_port(host, port)
    with ExitStack() as stack:
        folder = stack.enter_context(server_folder())
        with gradio_writes_to(folder):
            page = build_page(model, examples=examples, trained_on=trained_on)
            page.queue(max_size=MAX_WAITING, api_open=False)
            uploads = UploadFolder(folder)
            middleware: list[Any] = [
                Middleware(OpenRoutes, examples=uploads.examples, max_open=_MAX_OPEN),
                Middleware(OwnSite, host=host, names=names),
                Middleware(Uploads, folder=uploads, max_bytes=MAX_FILE_SIZE),
                Middleware(
                    Questions,
                    answers=GradioQueue(page),
                    uploads=folder,
                    max_sessions=MAX_SESSIONS,
                ),
            ]
            page.delete_cache = None  # the folder is looked after below
            stack.callback(page.close, verbose=False)
            page.launch(
                server_name=host,
                server_port=port,
                share=False,
                prevent_thread_lock=True,
                quiet=True,
                inbrowser=False,
                max_file_size=MAX_FILE_SIZE,
                state_session_capacity=MAX_SESSIONS,
                allowed_paths=[],
                enable_monitoring=False,
                run_history=False,
                ssr_mode=False,
                strict_cors=True,
                mcp_server=False,
                pwa=False,
                footer_links=[],
                app_kwargs={"middleware": middleware, "lifespan": _pruning(page, uploads)},
                theme=Default(
                    primary_hue="indigo",
                    neutral_hue="slate",
                    font=["system-ui", "sans-serif"],
                    font_mono=["ui-monospace", "monospace"],
                ),
                head=f"<style>{style_rules()}</style>",
            )
        shown = "localhost" if host in ("0.0.0.0", "::") else host
        yield f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"


def serve(
    model: MultiLabelModel,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    names: Sequence[str] = (),
    open_browser: bool = False,
    examples: Sequence[str | Path] = (),
    trained_on: str | None = None,
) -> None:
    """Serve the page, print its address, and stay until interrupted (Ctrl-C).

    A signal to terminate, or the end of the terminal, closes it as well. In any case, uploads are
    deleted; where the process is killed, by the next server to start.

    Args:
        model: A trained model.
        host: Address to listen on, see `serving`.
        port: Port to listen on; 0 takes a free one.
        names: Further names by which the page is asked for, as of a proxy in front; what comes
            under a foreign one, or from another site's page, is refused.
        open_browser: Whether to open the page in a browser.
        examples: Photographs to click on.
        trained_on: What the head says of the training data; None says nothing.

    Raises:
        ModuleNotFoundError: If Gradio is not installed.
        OSError: If the address is not this machine's, or the port is in use.
        ValueError: If `names` holds what is no plain name of a host, or an example is no image.
    """
    try:
        with (
            _ended_by_signals(),
            serving(
                model,
                host=host,
                port=port,
                names=names,
                examples=examples,
                trained_on=trained_on,
            ) as address,
        ):
            if not is_loopback(host):
                print(f"Warning: whoever can reach {host} can use this page and its model.")
            print(f"The page is at {address} (Ctrl-C ends it)", flush=True)
            if open_browser:
                webbrowser.open(address)
            Event().wait()
    except KeyboardInterrupt:
        print("\nThe page is closed.")


def _free_port(host: str, port: int) -> int:
    """Return `port`, or a free one for 0; refuse what cannot be listened on."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.create_server((host, port), family=family) as probe:
            return probe.getsockname()[1]
    except OSError as error:
        raise OSError(
            f"cannot listen on {host}, port {port} ({error.strerror}); take another port, or 0 for "
            "any that is free."
        ) from error


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let what ends a process do as Ctrl-C does, unless it was told to ignore it, as by nohup."""
    before = {}
    if current_thread() is main_thread():
        for name in _ENDS:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _pruning(page: Any, uploads: UploadFolder) -> Any:  # noqa: ANN401 - of Gradio and Starlette
    """Return what deletes old uploads, and Gradio's lists of them, while the page is served."""

    async def prune() -> None:
        while True:
            await asyncio.sleep(PRUNE_SECONDS)
            uploads.prune(KEEP_SECONDS)
            for known in page.temp_file_sets:
                known.clear()

    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:  # noqa: ANN401 - an application
        task = asyncio.create_task(prune())
        try:
            yield
        finally:
            task.cancel()

    return lifespan
