"""Execute the Python blocks of the docs and the README, each page in an empty folder."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest
from sybil import Sybil

from tests.markdown_blocks import PythonBlocks


def _enter_empty_folder(namespace: dict[str, Any]) -> None:
    stack = namespace["_stack"] = contextlib.ExitStack()
    before = os.getcwd()  # noqa: PTH109 - a plain string outlives the change of folder
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    stack.callback(os.chdir, before)
    os.chdir(folder)


def _leave_folder(namespace: dict[str, Any]) -> None:
    namespace["_stack"].close()


@pytest.fixture
def _seeded() -> Iterator[None]:
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


pytest_collect_file = Sybil(
    parsers=[PythonBlocks()],
    patterns=["*.md"],
    setup=_enter_empty_folder,
    teardown=_leave_folder,
    fixtures=["_seeded"],
).pytest()
