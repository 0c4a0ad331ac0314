"""A server on this machine that gives a picture, or misbehaves, by what the address ends in."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

__all__ = ["loopback_pictures"]

ELSEWHERE = {
    "/moved": "/picture.png",
    "/to-a-file": "file:///etc/hosts",
    "/to-ftp": "ftp://127.0.0.1/picture.png",
    "/round": "/round",
}


@contextmanager
def loopback_pictures(picture: bytes) -> Iterator[str]:
    """Serve while the block runs; yields the address without a slash at its end."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path in ELSEWHERE:
                self.send_response(302)
                self.send_header("Location", ELSEWHERE[self.path])
                self.end_headers()
                return
            if self.path == "/silent":
                time.sleep(1)
                return
            if self.path == "/gone":
                self.send_error(404)
                return
            self.send_response(200)
            self.end_headers()
            if self.path == "/slow":  # each piece comes in time, the whole never does
                for _ in range(20):
                    time.sleep(0.05)
                    self.wfile.write(b"x")
                    self.wfile.flush()
            else:
                self.wfile.write(b"<html>" if self.path == "/page" else picture)

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:  # whoever asked has had enough
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
