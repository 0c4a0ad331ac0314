from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import torch

if TYPE_CHECKING:
    from tests.models.loopback_hub import LoopbackHub


@pytest.hookimpl(tryfirst=True)  # before pytest chooses by marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs without shape checks in any case: a plain run need not do it again."""
    for item in items:
        if "no_shape_checks" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.unchecked)


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.fixture
def no_shape_checks() -> Iterator[None]:
    """Switch the shape hook off: Dynamo cannot trace through it (pytorch#122093)."""
    import jaxtyping

    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    torch._dynamo.reset()
    yield
    jaxtyping.config.update("jaxtyping_disable", before)


@pytest.fixture
def hub(monkeypatch, tmp_path) -> Iterator["LoopbackHub"]:
    """A hub on this machine, spoken to by `huggingface_hub` itself, with an empty cache."""
    from huggingface_hub import constants, file_download

    from tests.models.loopback_hub import loopback_hub

    with loopback_hub() as server:
        template = f"{server.address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "ENDPOINT", server.address)
        for place in (constants, file_download):  # the second before 1.0
            monkeypatch.setattr(place, "HUGGINGFACE_CO_URL_TEMPLATE", template, raising=False)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        yield server
