"""Serve the page: to this machine alone, unless asked otherwise."""

import socket
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any, Final

from trmml.models import MultiLabelModel
from trmml.page.build import build_page
from trmml.page.markup import style_rules

__all__ = ["serve", "serving"]

MAX_FILE_SIZE: Final = 20 * 2**20
MAX_WAITING: Final = 20
MAX_SESSIONS: Final = 100

# The browser itself refuses to fetch anything from elsewhere, whatever a future Gradio asks for.
# Gradio compiles its templates in the page, hence `unsafe-eval`.
_POLICY: Final = (
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'"
)


@contextmanager
def serving(
    model: MultiLabelModel,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    examples: Sequence[str | Path] = (),
) -> Iterator[str]:
    """Serve the page while the block runs; yields its address.

    Args:
        model: A trained model.
        host: Address to listen on. The default is reachable from this machine alone; any other
            opens the page, and with it the model, to whoever can reach that address.
        port: Port to listen on; 0 takes a free one.
        examples: Photographs to click on.

    Raises:
        ModuleNotFoundError: If Gradio is not installed.
        OSError: If the address is not this machine's, or the port is in use.
    """
    from gradio.themes import Default
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    port = _free_port(host, port)
    middleware: list[Any] = [Middleware(_ContentPolicy)]
    if is_loopback(host):
        # A foreign site whose name is made to point at this machine gets nothing.
        names = [host, "localhost", "127.0.0.1"]
        middleware.append(Middleware(TrustedHostMiddleware, allowed_hosts=names))
    page = build_page(model, examples=examples)
    page.queue(max_size=MAX_WAITING, api_open=False)
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
        mcp_server=False,
        pwa=False,
        footer_links=[],
        app_kwargs={"middleware": middleware},
        theme=Default(
            primary_hue="indigo",
            neutral_hue="slate",
            font=["system-ui", "sans-serif"],
            font_mono=["ui-monospace", "monospace"],
        ),
        head=f"<style>{style_rules()}</style>",
    )
    try:
        shown = "localhost" if host in ("0.0.0.0", "::") else host
        yield f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"
    finally:
        page.close(verbose=False)


def serve(
    model: MultiLabelModel,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    open_browser: bool = False,
    examples: Sequence[str | Path] = (),
) -> None:
    """Serve the page, print its address, and stay until interrupted (Ctrl-C).

    Args:
        model: A trained model.
        host: Address to listen on, see `serving`.
        port: Port to listen on; 0 takes a free one.
        open_browser: Whether to open the page in a browser.
        examples: Photographs to click on.

    Raises:
        ModuleNotFoundError: If Gradio is not installed.
        OSError: If the address is not this machine's, or the port is in use.
    """
    try:
        with serving(model, host=host, port=port, examples=examples) as address:
            if not is_loopback(host):
                print(f"Warning: whoever can reach {host} can use this page and its model.")
            print(f"The page is at {address} (Ctrl-C ends it)", flush=True)
            if open_browser:
                webbrowser.open(address)
            Event().wait()
    except KeyboardInterrupt:
        print("\nThe page is closed.")


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach an address."""
    return host in ("localhost", "::1") or host.startswith("127.")


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


class _ContentPolicy:
    """Add the content policy to every answer."""

    def __init__(self, app: Any) -> None:  # noqa: ANN401 - an ASGI application
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
        async def send_with_policy(message: Any) -> None:  # noqa: ANN401
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    (b"content-security-policy", _POLICY.encode()),
                    (b"referrer-policy", b"no-referrer"),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        await self.app(scope, receive, send_with_policy)
