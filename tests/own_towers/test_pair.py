import re
import runpy
import sys
import tomllib
from pathlib import Path

import pytest
import torch
from torch.nn.functional import cosine_similarity, normalize

from examples.own_towers.packages import FILES, INSTALL, inside
from examples.own_towers.pair import encoded, imagenet_sentences, load_classifier, load_pair
from tests.own_towers.installed import needs_weights
from tests.own_towers.small import imagenet_tower, sentence_tower
from trmml import TRMML
from trmml.data import decode_image, square_pixels
from trmml.data.readers.coco import load_coco
from trmml.encoders import EncoderPair, EncoderSource, normalize_pixels
from trmml.models import TRMMLTask, zero_shot_text_features
from trmml.sharing import export_program
from trmml.training import Recipe, StoredFeatures, fit

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "own_encoders.py"
COCO256 = ROOT.parent / "shared" / "data" / "coco256"
NAMES = ["cat", "dog"]


@pytest.fixture(scope="module")
def pair() -> EncoderPair:
    return load_pair()


def small_pair() -> EncoderPair:
    """Return a pair with random weights."""
    return EncoderPair(imagenet_tower(), sentence_tower(), EncoderSource("custom", "small", None))


def trained(encoders: EncoderPair) -> TRMML:
    task = TRMMLTask(TRMML(encoders, NAMES, image_size=64, generator=torch.Generator()))
    images = torch.randn(8, 3, 64, 64)
    dense, grid = encoders.image.encode_dense(images)
    labels = torch.tensor([[1, -1], [-1, 1], [1, 0], [0, 1]] * 2)
    stored = StoredFeatures(dense, dense.mean(dim=1), grid)
    fit(task, stored, labels, recipe=Recipe(epochs=2, batch_size=4))
    return task.model


def test_a_model_of_an_own_pair_is_saved_and_opened_with_the_same_pair_alone(tmp_path):
    encoders = small_pair()
    model, images = trained(encoders), torch.randn(2, 3, 64, 64)
    model.save_pretrained(tmp_path)
    again = TRMML.from_pretrained(tmp_path, encoders=encoders)
    assert torch.equal(again.eval()(images).logits, model.eval()(images).logits)
    with pytest.raises(ValueError, match="'custom'; build the encoders yourself and pass them"):
        TRMML.from_pretrained(tmp_path)
    with pytest.raises(ValueError, match="but the image tower's weights differ"):
        TRMML.from_pretrained(tmp_path, encoders=encoders._replace(image=imagenet_tower()))
    with pytest.raises(ValueError, match="but the text tower's weights differ"):
        TRMML.from_pretrained(tmp_path, encoders=encoders._replace(text=sentence_tower()))


def test_a_model_of_an_own_pair_is_exported():
    model, images = trained(small_pair()).eval(), torch.randint(0, 256, (2, 3, 64, 64))
    pixels = images.to(torch.uint8)
    found = export_program(model).module()(pixels)[0]
    normal = normalize_pixels(pixels, model.image_encoder)
    torch.testing.assert_close(found, model(normal).logits.sigmoid(), rtol=0, atol=1e-5)


@pytest.mark.parametrize("package", FILES)
def test_an_absent_package_is_named_with_the_command_that_brings_it(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ModuleNotFoundError) as caught:
        inside(package)
    message = str(caught.value)
    assert package.replace("_", "-") in message
    assert f"`{INSTALL}`" in message
    assert "\n" not in message


def test_the_script_says_in_one_line_which_package_is_absent(monkeypatch):
    monkeypatch.setitem(sys.modules, next(iter(FILES)), None)
    monkeypatch.setitem(sys.modules, [*FILES][1], None)
    monkeypatch.setattr("sys.argv", ["own_encoders.py"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    assert INSTALL in str(caught.value.code)
    assert "\n" not in str(caught.value.code)


def test_the_script_takes_photographs_with_their_table_alone(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["own_encoders.py", "--images", "photos"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    assert caught.value.code == 2
    assert "--images and --labels go together" in capsys.readouterr().err


def test_the_group_has_what_the_message_installs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    group = project["dependency-groups"]["photographs"]
    assert INSTALL.split()[:3] == ["pip", "install", "--no-deps"]
    assert INSTALL.split()[3:] == group
    required = [*project["project"]["dependencies"]]
    for extra in project["project"]["optional-dependencies"].values():
        required += extra
    names = {re.split(r"[=>\[]", each)[0] for each in required}
    assert not names & {each.split("==")[0] for each in group}


def test_sentences_are_up_to_three_names_of_each_class():
    sentences = imagenet_sentences()
    assert len(sentences) == 1000
    assert sentences[0] == ["a photo of a tench", "a photo of a Tinca tinca"]
    assert max(map(len, sentences)) == 3
    assert min(map(len, sentences)) == 1


def test_texts_encoded_in_an_order_of_their_own_come_back_in_theirs():
    tower = sentence_tower()
    texts = ["a photo of a dog", "cat", "dogs", "a cat"] * 20
    tokens = tower.pad(tower.tokenize(texts))
    together = tower(tower.embed_tokens(tokens), tokens)
    torch.testing.assert_close(encoded(tower, texts), together, rtol=0, atol=1e-5)


@needs_weights
def test_texts_of_like_meaning_lie_close(pair):
    dog, puppy, ship = zero_shot_text_features(pair.text, ["dog", "puppy", "oil tanker"])
    assert cosine_similarity(dog, puppy, dim=0) > 0.5 + cosine_similarity(dog, ship, dim=0)


@needs_weights
def test_a_class_and_its_name_meet(pair):
    names = [sentences[0] for sentences in imagenet_sentences()]
    texts = encoded(pair.text, names)
    near = normalize(texts, dim=-1) @ normalize(pair.image.texts, dim=-1).T
    assert (near.argmax(dim=1) == torch.arange(1000)).float().mean() > 0.9
    assert pair.image.texts.mean(dim=0).abs().max() < 1e-6


@needs_weights
def test_all_weights_of_the_classifier_are_its_own():
    network = load_classifier().eval()
    # trained statistics: none of a network with random weights, whose means are 0
    means = [value for name, value in network.state_dict().items() if "running_mean" in name]
    assert len(means) == 49
    assert all(value.abs().max() > 0 for value in means)


@needs_weights
@pytest.mark.skipif(not COCO256.is_dir(), reason="needs the photographs of coco256")
def test_photographs_are_known_by_name(pair):
    table = load_coco(COCO256, "val", year=2017)
    names = ["zebra", "pizza", "bus", "elephant"]
    columns = [table.class_names.index(name) for name in names]
    truth = table.labels[:, columns]
    rows = ((truth > 0).sum(dim=1) == 1).nonzero().flatten()
    pixels = [square_pixels(decode_image(table.paths[int(row)]), 224) for row in rows]
    pooled = pair.image(normalize_pixels(torch.stack(pixels), pair.image)).pooled
    scores = normalize(pooled, dim=-1) @ zero_shot_text_features(pair.text, names).T
    right = scores.argmax(dim=1) == truth[rows].argmax(dim=1)
    assert len(rows) > 8
    assert right.float().mean() > 0.85
