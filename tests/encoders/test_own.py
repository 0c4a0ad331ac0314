from pathlib import Path

import pytest
import torch

from trmml.encoders import load_own_encoders, load_tiny

TOWERS = """
from trmml.encoders import EncoderSource, load_tiny

def load_pair():
    return load_tiny()._replace(source=EncoderSource("custom", "mine", None))

def no_pair():
    return 1

def half_a_pair():
    return load_tiny()._replace(text=None)

number = 1
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "towers_of_a_test.py"
    path.write_text(TOWERS)
    return path


def test_a_pair_comes_from_a_function_in_a_file(file: Path) -> None:
    pair = load_own_encoders(f"{file}:load_pair")
    assert pair.source.name == "mine"
    images = torch.randn(1, 3, 64, 64)
    assert torch.equal(pair.image(images).dense, load_tiny().image(images).dense)


@pytest.mark.parametrize("name", ["number", "absent"])
def test_a_name_that_is_no_function_is_refused(file: Path, name: str) -> None:
    with pytest.raises(ValueError, match=f"a function that it defines.*{name}'; check the name"):
        load_own_encoders(f"{file}:{name}")


@pytest.mark.parametrize(("name", "kind"), [("no_pair", "int"), ("half_a_pair", "EncoderPair")])
def test_what_is_no_pair_of_towers_is_refused(file: Path, name: str, kind: str) -> None:
    with pytest.raises(ValueError, match=rf"must return a `trmml.encoders.EncoderPair`.*{kind}"):
        load_own_encoders(f"{file}:{name}")


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match=r"`encoder` must be a Python file and a function in it"):
        load_own_encoders("nowhere.py:load_pair")
