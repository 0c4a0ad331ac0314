import asyncio
import json
from pathlib import Path

import pytest

from tests.page.asking import ask, asked, chunks, echo, scope_of
from trmml.page.gradio_queue import GradioQueue
from trmml.page.questions import MAX_LENGTH, MAX_UNANSWERED, Questions

FOLDER = Path("/tmp/of-the-server")


class Answers(GradioQueue):
    def __init__(self) -> None:
        self.waiting: dict[str, int] = {}
        self.forgotten: list[str] = []

    def count(self, session: str) -> int:
        return self.waiting.get(session, 0)

    async def forget(self, session: str) -> None:
        self.forgotten.append(session)


def questions(*, max_sessions: int = 2) -> Questions:
    return Questions(echo, answers=Answers(), uploads=FOLDER, max_sessions=max_sessions)


def join(data: object, session: object = "abc") -> bytes:
    return json.dumps({"data": data, "session_hash": session, "fn_index": 0}).encode()


JOIN = scope_of("/gradio_api/queue/join", "POST")


def test_a_question_is_passed_on_as_it_was() -> None:
    body = join([{"path": f"{FOLDER}/abc/scene.png"}, None, "kite", 0])
    status, text = ask(questions(), JOIN, chunks(body[:9], body[9:]))
    assert status == 200
    assert text.endswith(body.decode())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[1]",
        b"[" * 9000,
        join("kite"),
        join(["kite"], session=None),
        join(["kite"], session="a" * 65),
        join(["kite"], session="../x"),
        join([None] * 9),
        join([["kite"]]),
        join([{"path": "http://192.0.2.1/secret"}]),  # Gradio would fetch it
        join([{"path": "/etc/passwd"}]),
        join([{"path": f"{FOLDER}/../other/scene.png"}]),
        join([{"path": 3}]),
        join([{"url": "http://192.0.2.1/secret"}]),
    ],
)
def test_what_the_page_never_sends_is_refused(body: bytes) -> None:
    status, text = ask(questions(), JOIN, chunks(body))
    assert status == 400
    assert json.loads(text) == {"detail": "This is no question of the page."}


def test_a_long_text_is_refused_with_a_message() -> None:
    body = join(["kite " * MAX_LENGTH])
    status, text = ask(questions(), JOIN, chunks(body[:9], body[9:], b"never read"))
    assert status == 413
    assert json.loads(text) == {"detail": "The question is too long."}


def test_whoever_reads_no_answers_gets_none_more() -> None:
    app = questions()
    assert isinstance(app.answers, Answers)
    app.answers.waiting["abc"] = MAX_UNANSWERED
    status, text = ask(app, JOIN, chunks(join([])))
    assert status == 429
    assert "reload" in json.loads(text)["detail"]
    assert ask(app, JOIN, chunks(join([], session="other")))[0] == 200


def test_the_visitor_seen_longest_ago_is_forgotten() -> None:
    app = questions(max_sessions=2)

    async def visits() -> None:
        for session in ("one", "two", "one", "three", "four"):
            await asked(app, JOIN, chunks(join([], session=session)))

    asyncio.run(visits())
    assert isinstance(app.answers, Answers)
    assert app.answers.forgotten == ["two", "one"]
    known = {
        session: ask(app, scope_of("/gradio_api/queue/data", query=f"session_hash={session}"))[0]
        for session in ("one", "three", "four", "nobody")
    }
    assert known == {"one": 404, "three": 200, "four": 200, "nobody": 404}


def test_what_is_no_session_is_not_listened_to() -> None:
    assert ask(questions(), scope_of("/gradio_api/heartbeat/abc"))[0] == 200
    assert ask(questions(), scope_of("/gradio_api/heartbeat/" + "a" * 65))[0] == 404
