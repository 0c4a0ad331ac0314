import socket

import pytest

from trmml.training import Recipe
from trmml.training.loop import acceleration
from trmml.training.loop.acceleration import build_accelerator


def test_a_process_does_not_wait_long_for_one_that_never_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    alone = {"RANK": 0, "LOCAL_RANK": 0, "WORLD_SIZE": 2, "MASTER_ADDR": "127.0.0.1"}
    for name, value in {**alone, "MASTER_PORT": port}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr(acceleration, "MEETING_SECONDS", 1)
    with pytest.raises(TimeoutError, match=r"process 0 of 2 waited 1 s for the others.* has ended"):
        build_accelerator(Recipe())
