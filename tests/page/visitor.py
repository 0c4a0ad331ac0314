"""A visitor of the page without a browser: says what Gradio's part in the browser would."""

import json
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from trmml.page.markup import message_markup

SHOW, CLEAR, EXAMPLE, ASK = range(4)  # the page's functions, in the order of its building
_numbers = count()


class Visitor:
    """One tab of a browser.

    Args:
        address: Of the page.
    """

    def __init__(self, address: str) -> None:
        """Take a session."""
        self.address = address
        self.session = f"visitor-{next(_numbers)}"
        self.shown = False

    def upload(self, path: Path) -> httpx.Response:
        files = {"files": (path.name, path.read_bytes())}
        return httpx.post(f"{self.address}/gradio_api/upload", files=files, timeout=60)

    def join(self, function: int, *data: object) -> httpx.Response:
        question = {"data": data, "fn_index": function, "session_hash": self.session}
        return httpx.post(f"{self.address}/gradio_api/queue/join", json=question, timeout=60)

    def answers(self) -> list[dict[str, Any]]:
        """Read until the queue has no more for this visitor."""
        query = f"{self.address}/gradio_api/queue/data?session_hash={self.session}"
        with httpx.stream("GET", query, timeout=60) as stream:
            messages = [json.loads(line[6:]) for line in stream.iter_lines() if line]
        return [message["output"] for message in messages if message["msg"] == "process_completed"]

    def ask(self, function: int, *data: object) -> str:
        """Return the message that an answer shows, without its markup; nothing if all is well."""
        assert self.join(function, *data).status_code == 200
        [output] = self.answers()
        told = output["data"]
        if told[2] is True:
            self.shown = True
        before, after = message_markup("|").split("|")
        message = told[3]
        return message.removeprefix(before).removesuffix(after) if message else ""

    def drop(self, path: Path) -> str:
        [stored] = self.upload(path).json()
        return self.ask(SHOW, {"path": stored, "meta": {"_type": "gradio.FileData"}}, None)

    def look_for(self, text: str) -> str:
        return self.ask(ASK, text, None, None, self.shown)
