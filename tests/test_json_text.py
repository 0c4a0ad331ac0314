import json
from math import inf, nan
from typing import Any

import pytest

from trmml.json_text import json_text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (nan, None),
        (inf, None),
        ({"a": [1.5, -inf, (nan, 2)]}, {"a": [1.5, None, [None, 2]]}),
        ({"name": "Bäume 船", "yes": True, "none": None}, None),
    ],
)
def test_any_strict_reader_takes_it(value: Any, expected: Any) -> None:  # noqa: ANN401
    read = json.loads(json_text(value, indent=1), parse_constant=pytest.fail)
    assert read == (value if expected is None and isinstance(value, dict) else expected)
