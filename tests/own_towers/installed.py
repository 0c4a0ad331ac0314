"""Where the two packages of weights are installed, tests of the real pair run."""

from importlib.util import find_spec

import pytest

from examples.own_towers.packages import FILES, INSTALL

ABSENT = [package for package in FILES if find_spec(package) is None]

needs_weights = pytest.mark.skipif(bool(ABSENT), reason=f"needs {' and '.join(ABSENT)}: {INSTALL}")
