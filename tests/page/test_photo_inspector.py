from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.page.small_page import NAMES, small_model, write_scene
from tests.prediction.photographs import own_model
from trmml.data import BrokenImageError
from trmml.models import ABLATIONS, TRMML
from trmml.page import PhotoInspector, photo_inspector
from trmml.page.neutral_words import NEUTRAL_WORDS
from trmml.page.photo_inspector import MAX_TEXT
from trmml.world import WORLD_CLASS_NAMES, make_scenes


@pytest.fixture(scope="module")
def model() -> TRMML:
    return small_model()


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    return write_scene(tmp_path / "scene.png")


def test_tags_are_the_models_own_probabilities_best_first(model: TRMML, scene: Path) -> None:
    photo = PhotoInspector(model).inspect(scene)
    expected = model.predict(model.preprocess(scene))[0].tolist()
    scores = [tag.probability for tag in photo.tags]
    assert scores == pytest.approx(sorted(expected, reverse=True))
    names = ["tree", "house, home", *NAMES[2:]]
    assert {tag.name: tag.probability for tag in photo.tags} == pytest.approx(
        dict(zip(names, expected, strict=True))
    )


def test_regions_are_the_models_own_heatmaps(model: TRMML, scene: Path) -> None:
    photo = PhotoInspector(model).inspect(scene)
    heatmap = model.heatmap(model.preprocess(scene))[0]
    assert photo.regions is not None
    tree = photo.regions[[tag.name for tag in photo.tags].index("tree")]
    upsampled = torch.nn.functional.interpolate(
        tree[None, None], size=(128, 128), mode="bilinear", align_corners=False
    )[0, 0]
    torch.testing.assert_close(upsampled, heatmap[0])


def test_a_model_of_positions_alone_still_shows_where(scene: Path, model: TRMML) -> None:
    plain = TRMML(model.encoders, ["tree", "car"], config=ABLATIONS["dualcoop"], image_size=64)
    photo = PhotoInspector(plain).inspect(scene)
    assert photo.regions is not None
    assert photo.regions[0].shape == photo.grid
    assert 0 <= photo.regions[0].min() <= photo.regions[0].max() <= 1


def test_a_model_without_regions_is_asked_all_the_rest(scene: Path) -> None:
    model = own_model()
    inspector = PhotoInspector(model)
    photo = inspector.inspect(scene)
    expected = sorted(model.predict(model.preprocess(scene))[0].tolist(), reverse=True)
    assert [tag.probability for tag in photo.tags] == pytest.approx(expected)
    assert photo.regions is None
    assert inspector.find(photo, "kite").region.shape == photo.grid


def test_thresholds_decide_what_is_present(model: TRMML, scene: Path) -> None:
    assert {tag.threshold for tag in PhotoInspector(model).inspect(scene).tags} == {0.5}
    cut = model.predict(model.preprocess(scene))[0].tolist()
    cut[1] += 0.01
    model.decision_thresholds = cut
    try:
        tags = PhotoInspector(model).inspect(scene).tags
    finally:
        model.decision_thresholds = None
    absent = [tag.name for tag in tags if tag.probability < tag.threshold - 1e-3]
    assert absent == ["house, home"]
    assert not next(tag for tag in tags if tag.name == "house, home").present


def test_a_photograph_is_shown_the_right_way_up(model: TRMML, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (90, 60)).save(tmp_path / "turned.jpg", exif=exif)
    assert PhotoInspector(model).inspect(tmp_path / "turned.jpg").size == (60, 90)


def test_a_training_model_is_put_in_eval_mode(scene: Path) -> None:
    model = small_model().train()
    PhotoInspector(model).inspect(scene)
    assert not model.training


def test_an_unseen_category_is_found_where_its_words_match(model: TRMML, scene: Path) -> None:
    inspector = PhotoInspector(model)
    photo = inspector.inspect(scene)
    match = inspector.find(photo, "  a   kite ")
    assert (match.name, match.tag) == ("a kite", None)
    # by hand: the position whose feature is nearest to the words
    text = model.encoders.text
    tokens = text.pad(text.tokenize(["a photo of a a kite."]))
    query = text(text.embed_tokens(tokens), tokens)[0]
    cosines = torch.cosine_similarity(photo.features[0], query[None])
    assert match.cosine == pytest.approx(float(cosines.max()), abs=1e-5)
    assert match.region.flatten().argmax() == cosines.argmax()
    assert match.region.shape == photo.grid


def test_words_stand_out_where_they_match_better_than_neutral_ones(
    model: TRMML, scene: Path
) -> None:
    inspector = PhotoInspector(model)
    photo = inspector.inspect(scene)
    chance = [inspector.find(photo, word).cosine for word in NEUTRAL_WORDS]
    line = np.quantile(chance, 0.95)
    matches = [inspector.find(photo, name) for name in WORLD_CLASS_NAMES]
    assert [match.stands_out for match in matches] == [match.cosine > line for match in matches]
    assert 0 < sum(match.stands_out for match in matches) < len(matches)


def test_made_up_words_hardly_ever_stand_out(
    model: TRMML, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # Three generated scenes, and words that are neither in the world nor among the neutral ones.
    made_up = [
        "xqzt",
        "zibbit",
        "kranthor",
        "snarf",
        "mizzle",
        "qwerty",
        "brillig",
        "tove",
        "gorpel",
        "dweezle",
    ]
    inspector = PhotoInspector(model)
    scenes = make_scenes(3, seed=2, regime="pretraining").images
    for number, pixels in enumerate(scenes):
        Image.fromarray(pixels.transpose(1, 2, 0)).save(f"{number}.png")
    photos = [inspector.inspect(f"{number}.png") for number in range(len(scenes))]
    lit = [inspector.find(photo, word).stands_out for photo in photos for word in made_up]
    assert sum(lit) <= 0.2 * len(lit)


def test_neutral_words_are_no_things_and_no_words_twice() -> None:
    assert len(set(NEUTRAL_WORDS)) == len(NEUTRAL_WORDS) == 60
    assert not set(NEUTRAL_WORDS) & set(WORLD_CLASS_NAMES)


@pytest.mark.parametrize(
    ("word", "name"), [("tree", "tree"), ("TREE", "tree"), ("home", "house, home")]
)
def test_a_trained_category_is_found_among_the_tags(
    model: TRMML, scene: Path, word: str, name: str
) -> None:
    inspector = PhotoInspector(model)
    photo = inspector.inspect(scene)
    tag = inspector.find(photo, word).tag
    assert tag is not None
    assert photo.tags[tag].name == name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "got nothing"),
        (" \n ", "got nothing"),
        ("x" * (MAX_TEXT + 1), f"at most {MAX_TEXT} characters"),
        ("𒐫" * MAX_TEXT, "tokens"),
    ],
)
def test_words_that_cannot_be_looked_for(
    model: TRMML, scene: Path, text: str, message: str
) -> None:
    inspector = PhotoInspector(model)
    with pytest.raises(ValueError, match=message):
        inspector.find(inspector.inspect(scene), text)


def test_what_is_no_photograph_is_refused(model: TRMML, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    with pytest.raises(BrokenImageError, match="not an image"):
        PhotoInspector(model).inspect(tmp_path / "broken.jpg")


def test_a_photograph_of_too_many_pixels_is_refused_undecoded(
    model: TRMML, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_inspector, "MAX_PIXELS", 99)
    Image.new("1", (10, 10)).save(tmp_path / "large.png")

    def refuse(_path: object) -> None:
        raise AssertionError("it was decoded")

    monkeypatch.setattr(photo_inspector, "decode_image", refuse)
    with pytest.raises(BrokenImageError, match="10 x 10 pixels"):
        PhotoInspector(model).inspect(tmp_path / "large.png")


def test_a_decompression_bomb_is_refused(model: TRMML, tmp_path: Path) -> None:
    side = 20_000
    Image.new("1", (side, side)).save(tmp_path / "bomb.png")  # a few kilobytes
    with pytest.raises(BrokenImageError, match="too large to decode safely"):
        PhotoInspector(model).inspect(tmp_path / "bomb.png")
