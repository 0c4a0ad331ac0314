"""Make every docstring example start from the same random state, in a folder of its own.

Examples:
    >>> list(Path().iterdir()), torch.rand(2)
    ([], tensor([0.4963, 0.7682]))
"""

from contextlib import ExitStack
from pathlib import Path

import pytest
import torch


# No generator: the shape checks would wrap it into a function, of which pytest runs nothing.
@pytest.fixture(autouse=True)
def _prepared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(tmp_path)
    stack = ExitStack()
    stack.enter_context(torch.random.fork_rng())
    request.addfinalizer(stack.close)  # noqa: PT021 - see above
    torch.manual_seed(0)
