import math

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from trmml.training.config.plain_yaml import read_yaml, write_yaml


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5e-4", 5e-4),
        ("1e3", 1000.0),
        ("5.e-4", 5e-4),
        (".5", 0.5),
        ("-.inf", -math.inf),
        ("40", 40),
        ("-0", 0),
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("2024-01-01", "2024-01-01"),
        ("[0.1, 1e-1]", [0.1, 0.1]),
        ("a: {b: 1}", {"a": {"b": 1}}),
        ("'5e-4'", "5e-4"),
        ("<<: {a: 1}", {"<<": {"a": 1}}),
        ("1: no", {"1": "no"}),
    ],
)
def test_a_value_is_what_it_looks_like(text: str, expected: object) -> None:
    found = read_yaml(text, source="here")
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: [1,\nc: 2", "^here: line 3: no valid YAML; expected"),
        ("a: 1\nb: 2\na: 3", "^here: line 3: no valid YAML; `a` is given twice"),
        ("x:\n  a: 1\n  a: 3", "^here: line 3: no valid YAML; `a` is given twice"),
        ("a: &x 1\nb: *x", "^here: line 2: no valid YAML; anchors are not read"),
        ("a: !!python/name:os.system", "^here: line 1: no valid YAML; could not determine"),
        ("a: !!python/object/apply:os.getcwd []", "^here: line 1: no valid YAML"),
        ("? [1]\n: 2", "^here: line 1: no valid YAML; found unhashable key"),
        ("a: 1\n---\nb: 2", "^here: line 2: no valid YAML"),
        ("a: \x00", "^here: no valid YAML; unacceptable character"),
        ("a:\n\t- 1", "^here: line 2: no valid YAML; found character '.t'"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_yaml(text, source="here")


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.sampled_from(
        ["no", "5e-4", "1:30", "null", "0x1f", "1_0", "010", "2024-01-01", "=", "<<"]
    ),
    lambda values: (
        st.lists(values, max_size=3) | st.dictionaries(st.sampled_from("abcd"), values, max_size=3)
    ),
    max_leaves=6,
)


@given(_VALUES)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_what_is_written_reads_back_the_same_here_and_elsewhere(value: object) -> None:
    text = write_yaml(value)
    assert read_yaml(text, source="here") == value
    assert yaml.safe_load(text) == value


def test_a_list_shared_by_two_settings_is_written_twice() -> None:
    shared = [0.1, 0.2]
    assert write_yaml({"a": shared, "b": shared}) == "a: [0.1, 0.2]\nb: [0.1, 0.2]\n"
