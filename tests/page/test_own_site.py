from functools import partial

import pytest

from tests.page.asking import ask, echo, scope_of
from trmml.page.own_site import OwnSite, known_names

HERE = "http://127.0.0.1:7860"
own_site = partial(OwnSite, echo, host="127.0.0.1")


@pytest.mark.parametrize("path", ["/gradio_api/upload", "/gradio_api/queue/join", "/anything"])
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:3000"},  # another program of this machine
        {"origin": "http://localhost:7860"},
        {"origin": ""},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},  # a form, sent off
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"},
    ],
)
def test_what_another_site_sends_is_refused(path: str, headers: dict[str, str]) -> None:
    status, text = ask(own_site(), scope_of(path, "POST", headers))
    assert (status, text) == (403, "Pages of other sites get no answer here.")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": HERE},
        {"origin": HERE, "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"},
        {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"},
    ],
)
def test_the_page_and_programs_are_answered(method: str, headers: dict[str, str]) -> None:
    assert ask(own_site(), scope_of("/", method, headers))[0] == 200


def test_a_link_may_lead_here_but_no_script_may_read() -> None:
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert ask(own_site(), scope_of("/", headers=link))[0] == 200
    for script in (
        {"origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
    ):
        assert ask(own_site(), scope_of("/config", headers=script))[0] == 403


@pytest.mark.parametrize("host", ["evil.example", "evil.example:7860", "", "[", "127.0.0.1.x"])
@pytest.mark.parametrize("listens", ["127.0.0.1", "0.0.0.0"])
def test_a_foreign_name_is_refused(listens: str, host: str) -> None:
    status, text = ask(own_site(host=listens), scope_of("/", headers={"host": host}))
    assert status == 403
    assert "--name" in text


@pytest.mark.parametrize(
    ("listens", "host"),
    [
        ("127.0.0.1", "localhost:7860"),
        ("::1", "[::1]:7860"),
        ("0.0.0.0", "192.0.2.7:7860"),  # an address cannot be made to point elsewhere
        ("0.0.0.0", "Desk.local:7860"),
        ("0.0.0.0", "desk:7860"),
        ("photos.example", "photos.example"),
    ],
)
def test_own_names_are_known(monkeypatch: pytest.MonkeyPatch, listens: str, host: str) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "desk.lan")
    known = ask(own_site(host=listens), scope_of("/", headers={"host": host}))[0] == 200
    assert known == (host != "desk:7860")


def test_a_proxys_name_is_told() -> None:
    app = own_site(names=["Photos.example"])
    unchanged = {"host": "photos.example", "origin": "https://photos.example"}
    changed = {"origin": "https://photos.example"}
    for headers in (unchanged, changed):
        assert ask(app, scope_of("/gradio_api/upload", "POST", headers))[0] == 200
        assert ask(own_site(), scope_of("/gradio_api/upload", "POST", headers))[0] == 403


@pytest.mark.parametrize("name", ["", "https://a.example", "a.example:80", "a.example/page", "["])
def test_a_name_is_a_plain_name(name: str) -> None:
    with pytest.raises(ValueError, match="names of hosts such as"):
        known_names("127.0.0.1", [name])
