"""A photograph is the same whether it is given by its path or as Pillow opened it."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from tests.data.picture_modes import colours, picture
from trmml import TRMML
from trmml.encoders import load_tiny


@pytest.fixture(scope="module")
def model() -> TRMML:
    return TRMML(load_tiny(), ["car", "tree"], image_size=64).eval()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "L", "P", "1", "I;16"])
def test_a_path_and_an_opened_picture(mode: str, model: TRMML, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    picture(mode).save(path)
    with Image.open(path) as opened:
        assert torch.equal(model.preprocess(path), model.preprocess(opened))


def test_a_turned_photograph(model: TRMML, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    colours().save(tmp_path / "a.jpg", exif=exif)
    with Image.open(tmp_path / "a.jpg") as opened:
        assert torch.equal(model.preprocess(tmp_path / "a.jpg"), model.preprocess(opened))
