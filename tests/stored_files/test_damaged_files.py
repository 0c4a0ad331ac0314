"""Hundreds of damaged files of every kind: each is read, or refused in one clear line."""

import hashlib
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

import pytest
from safetensors import safe_open
from safetensors.torch import save

from tests.models.test_saved_model import trained
from tests.random_clip import random_pair
from tests.stored_files.mutations import damaged_bytes, damaged_header, damaged_json
from tests.training.small_run import model_of, separable
from trmml.data import LabelMask, hide_labels
from trmml.encoders import tiny
from trmml.models import ABLATIONS, TRMML, TRMMLTask
from trmml.training import CheckpointStore, FeatureSource, Recipe, Trainer

pytestmark = pytest.mark.usefixtures("no_shape_checks")
PAIR = random_pair()


def accept(load: Callable[[], object]) -> bool:
    """Say whether something loads; if not, it has to say why in one line of reasonable length."""
    reason = None
    try:
        load()
    except (ValueError, FileNotFoundError) as error:
        reason = error
    assert not isinstance(reason, UnicodeError)
    assert reason is None or ("\n" not in str(reason) and 20 < len(str(reason)) < 1500)
    return reason is None


def as_json(content: object) -> bytes:
    return json.dumps(content, indent=2).encode()


@pytest.mark.parametrize("name", ["all", "baseline"])
def test_models(tmp_path: Path, name: str) -> None:
    trained(config=ABLATIONS[name]).save_pretrained(tmp_path, training_state=name == "all")
    weights, card = (tmp_path / "model.safetensors"), (tmp_path / "config.json")
    whole, told = weights.read_bytes(), json.loads(card.read_bytes())
    random, taken = Random(1), 0
    for number in range(400):
        content, text = whole, as_json(told)
        if number % 5 == 0:
            text = damaged_bytes(text, random)
        elif number % 5 < 3:
            text = as_json(damaged_json(told, random))
        else:  # the checksum is right, as an ill will would have it
            content = (damaged_bytes, damaged_header)[number % 2](whole, random)
            text = as_json({**told, "sha256": hashlib.sha256(content).hexdigest()})
        weights.write_bytes(content)
        card.write_bytes(text)
        taken += accept(lambda: TRMML.from_pretrained(tmp_path, encoders=PAIR))
    assert 20 < taken < 250


def test_masks(tmp_path: Path) -> None:
    labels = separable(16)[1].numpy()
    mask = LabelMask.between(labels, hide_labels(labels, 0.5), protocol="hcp", seed=0, keep=0.5)
    path = tmp_path / "labels.mask"
    mask.save(path)
    whole = path.read_bytes()
    with safe_open(path, framework="pt") as file:
        told, tensors = json.loads(file.metadata()["trmml"]), {"known": file.get_tensor("known")}
    random, taken = Random(2), 0
    for number in range(300):
        if number % 3 == 2:
            content = save(tensors, {"trmml": as_json(damaged_json(told, random)).decode()})
        else:
            content = (damaged_bytes, damaged_header)[number % 3](whole, random)
        path.write_bytes(content)
        taken += accept(lambda: LabelMask.load(path))
    assert 5 < taken < 150


def test_checkpoints(tmp_path: Path) -> None:
    features, labels = separable(16)
    source, recipe = FeatureSource(features, labels), Recipe(epochs=1, batch_size=8)
    trainer = Trainer(TRMMLTask(model_of("baseline")), source, recipe=recipe)
    trainer.run()
    store = CheckpointStore(tmp_path)
    path = store.save(trainer.state(), step=1)
    whole = path.read_bytes()
    with safe_open(path, framework="pt") as file:
        told = json.loads(file.metadata()["trmml"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    path.unlink()
    told["random"]["python"][1] = told["random"]["python"][1][:3]  # most places are no numbers
    told["random"]["numpy"]["state"]["key"] = told["random"]["numpy"]["state"]["key"][:3]
    random, taken = Random(3), 0

    def resume() -> None:
        state = store.load()
        assert state is not None
        trainer.load(state)

    for number in range(400):
        if number % 3 == 2:
            content = save(tensors, {"trmml": as_json(damaged_json(told, random)).decode()})
        else:
            content = (damaged_bytes, damaged_header)[number % 3](whole, random)
        digest = hashlib.sha256(content).hexdigest()[:16]
        path = tmp_path / f"step-00000001-{digest}.safetensors"
        path.write_bytes(content)
        taken += accept(resume)
        path.unlink()
    assert taken < 200


def test_cards_of_the_tiny_pair(tmp_path: Path) -> None:
    source = Path(tiny.__file__)
    weights, card = tmp_path / "tiny.safetensors", tmp_path / "tiny.json"
    weights.write_bytes(source.with_suffix(".safetensors").read_bytes())
    told = json.loads(source.with_suffix(".json").read_bytes())
    random, taken = Random(5), 0
    told["token_ids"] = told["token_ids"][:2]  # most places are no numbers
    for number in range(20):
        content = as_json(damaged_json(told, random))
        card.write_bytes(content if number % 2 else damaged_bytes(content, random))
        taken += accept(partial(tiny.load_tiny, weights=weights))
    assert taken < 10
