"""A pipe where a file is expected is refused at once, by whatever reads a file that users name."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import numpy as np
import pytest

from tests.page.small_page import small_model
from trmml.data import (
    LabelMask,
    load_cub,
    load_formatted_arrays,
    load_index_list,
    load_table,
    read_dualcoop_mask,
    read_label_array,
    read_label_text,
)
from trmml.encoders import load_tiny
from trmml.encoders.checkpoint import read_checkpoint
from trmml.models import TRMML
from trmml.page import PhotoInspector
from trmml.training import load_run_config

PATIENCE = 20  # seconds


class Waits(BaseException):
    """It would wait for a writer; no reader takes this for an error of the file."""


pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")


@pytest.fixture(autouse=True)
def impatient() -> Iterator[None]:
    """Let what waits for a pipe fail, instead of the tests waiting with it."""

    def give_up(_number: int, _frame: FrameType | None) -> None:
        raise Waits

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(PATIENCE)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def a_config(folder: Path) -> None:
    os.mkfifo(folder / "mine.yaml")
    load_run_config(folder / "mine.yaml")


def a_config_below_another(folder: Path) -> None:
    os.mkfifo(folder / "mine.yaml")
    (folder / "other.yaml").write_text("extends: mine.yaml\n")
    load_run_config(folder / "other.yaml")


def a_dualcoop_mask(folder: Path) -> None:
    os.mkfifo(folder / "partial_label_0.10.pt")
    read_dualcoop_mask(folder / "partial_label_0.10.pt")


def a_label_array(folder: Path) -> None:
    os.mkfifo(folder / "labels.npy")
    read_label_array(folder / "labels.npy")


def a_label_text(folder: Path) -> None:
    os.mkfifo(folder / "labels.csv")
    read_label_text(folder / "labels.csv")


def a_mask(folder: Path) -> None:
    os.mkfifo(folder / "labels.mask")
    LabelMask.load(folder / "labels.mask")


def a_table(folder: Path) -> None:
    os.mkfifo(folder / "labels.csv")
    load_table(folder / "labels.csv", folder)


def an_index_list(folder: Path) -> None:
    os.mkfifo(folder / "list.txt")
    load_index_list(folder / "list.txt", folder, ["cat"], unlisted="unknown")


def attribute_labels(folder: Path) -> None:
    (folder / "attributes").mkdir()
    (folder / "images.txt").write_text("1 a.jpg\n")
    (folder / "train_test_split.txt").write_text("1 1\n")
    (folder / "attributes" / "attributes.txt").write_text("1 has_size::small\n")
    os.mkfifo(folder / "attributes" / "image_attribute_labels.txt")
    load_cub(folder, "train")


def names_of_arrays(folder: Path) -> None:
    os.mkfifo(folder / "formatted_train_images.npy")
    load_formatted_arrays(folder, "train", folder, ["cat"])


def labels_of_arrays(folder: Path) -> None:
    np.save(folder / "formatted_train_images.npy", np.array(["a.jpg"]))
    os.mkfifo(folder / "formatted_train_labels.npy")
    load_formatted_arrays(folder, "train", folder, ["cat"])


def weights_of_the_tiny_encoder(folder: Path) -> None:
    (folder / "weights.json").write_text("{}")
    os.mkfifo(folder / "weights.safetensors")
    load_tiny(weights=folder / "weights.safetensors")


def a_checkpoint(folder: Path) -> None:
    os.mkfifo(folder / "model.pt")
    read_checkpoint(folder / "model.pt")


def weights_of_a_model(folder: Path) -> None:
    small_model().save_pretrained(folder)
    (folder / "model.safetensors").unlink()
    os.mkfifo(folder / "model.safetensors")
    TRMML.from_pretrained(folder)


def a_card_of_a_model(folder: Path) -> None:
    small_model().save_pretrained(folder)
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")
    TRMML.from_pretrained(folder)


def a_photograph(folder: Path) -> None:
    os.mkfifo(folder / "photo.jpg")
    PhotoInspector(small_model()).inspect(folder / "photo.jpg")


READINGS = [
    a_config,
    a_config_below_another,
    a_dualcoop_mask,
    a_label_array,
    a_label_text,
    a_mask,
    a_table,
    an_index_list,
    attribute_labels,
    names_of_arrays,
    labels_of_arrays,
    weights_of_the_tiny_encoder,
    a_checkpoint,
    weights_of_a_model,
    a_card_of_a_model,
    a_photograph,
]


@pytest.mark.parametrize("reading", READINGS, ids=lambda reading: reading.__name__)
def test_a_pipe_is_refused(reading: Callable[[Path], None], tmp_path: Path) -> None:
    with pytest.raises((ValueError, OSError)) as caught:
        reading(tmp_path)
    assert "pipe" in str(caught.value) or "must be a file" in str(caught.value)
