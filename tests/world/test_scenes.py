from dataclasses import replace

import numpy as np
import pytest

from trmml.world import MIN_VISIBLE_SHARE, WORLD_CLASS_NAMES, Scenes, make_scenes
from trmml.world.captions import write_caption
from trmml.world.composition import compose
from trmml.world.regimes import REGIMES

INDEX = {name: index for index, name in enumerate(WORLD_CLASS_NAMES)}


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return make_scenes(300, seed=11, image_size=96)


@pytest.fixture(scope="module")
def plain() -> Scenes:
    return make_scenes(300, seed=11, regime="pretraining", image_size=96)


def sides(scenes: Scenes) -> np.ndarray:
    boxes = np.concatenate(scenes.boxes)
    return np.sqrt((boxes[:, 3] - boxes[:, 1]) * (boxes[:, 4] - boxes[:, 2])) / 96.0


def test_labels_are_the_categories_of_the_boxes(scenes: Scenes) -> None:
    for labels, boxes in zip(scenes.labels, scenes.boxes, strict=True):
        assert set((labels > 0).nonzero()[0]) == set(boxes[:, 0].astype(int))


def test_objects_that_count_are_visible_enough_and_inside_the_picture(scenes: Scenes) -> None:
    visible, boxes = np.concatenate(scenes.visible), np.concatenate(scenes.boxes)
    assert visible.min() >= MIN_VISIBLE_SHARE
    assert visible.max() <= 1.0
    assert (boxes[:, 1:] >= 0).all()
    assert (boxes[:, 1:] <= 96).all()
    assert (boxes[:, 3] > boxes[:, 1]).all()
    assert (boxes[:, 4] > boxes[:, 2]).all()


def test_many_objects_are_covered_in_part_and_some_too_far_to_count(
    scenes: Scenes, plain: Scenes
) -> None:
    drawn_at_least = REGIMES["scenes"].objects[0]
    assert (np.concatenate(scenes.visible) < 0.9).mean() > 0.2
    assert any(len(boxes) < drawn_at_least for boxes in scenes.boxes)
    assert (np.concatenate(plain.visible) < 0.9).mean() < (
        np.concatenate(scenes.visible) < 0.9
    ).mean()


@pytest.mark.parametrize(("beyond", "counts"), [(0.0, True), (0.8, False)])
def test_an_object_beyond_the_border_does_not_count(
    beyond: float, counts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = replace(
        REGIMES["pretraining"], objects=(1, 1), half=(0.2, 0.2), behind=(0, 0), before=(0, 0)
    )
    monkeypatch.setattr("trmml.world.composition.pick_spot", lambda *_: (0.5 + beyond, 0.5))
    _, seen = compose(np.random.RandomState(0), rules, 64)
    assert bool(seen) == counts


def test_an_object_buried_under_others_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = replace(
        REGIMES["pretraining"], objects=(2, 2), half=(0.2, 0.2), behind=(0, 0), before=(0, 0)
    )
    monkeypatch.setattr("trmml.world.composition.pick_names", lambda *_: ["ball", "heart"])
    # sorted by height, the heart lies behind the larger ball
    spots = {"heart": (0.49, 0.5), "ball": (0.5, 0.5)}
    monkeypatch.setattr("trmml.world.composition.pick_spot", lambda _, name, __: spots[name])
    _, seen = compose(np.random.RandomState(0), rules, 96)
    assert [thing.name for thing in seen] == ["ball"]


def test_places_decide_what_is_met_together(scenes: Scenes) -> None:
    present = scenes.labels > 0

    def given(name: str, other: str) -> float:
        return float(present[present[:, INDEX[other]], INDEX[name]].mean())

    assert given("cup", "apple") > 3.0 * present[:, INDEX["cup"]].mean()
    assert given("star", "moon") > 2.0 * given("star", "car")
    assert given("boat", "fish") > 2.0 * given("boat", "clock")


def test_categories_have_a_long_tail_but_all_occur(scenes: Scenes, plain: Scenes) -> None:
    share = (scenes.labels > 0).mean(axis=0)
    assert share.min() > 0.0
    assert share.max() > 5.0 * share.min()
    even = (plain.labels > 0).mean(axis=0)
    assert even.max() < 5.0 * even.min()


def test_scenes_are_harder_than_what_pretraining_sees(scenes: Scenes, plain: Scenes) -> None:
    assert np.median(sides(scenes)) < 0.7 * np.median(sides(plain))
    assert (scenes.labels > 0).sum(axis=1).mean() > (plain.labels > 0).sum(axis=1).mean() + 1.0
    assert scenes.images.mean(axis=(1, 2, 3)).std() > plain.images.mean(axis=(1, 2, 3)).std()


def test_captions_name_what_can_be_seen_and_nothing_else(plain: Scenes) -> None:
    assert plain.captions is not None
    for caption, labels in zip(plain.captions, plain.labels, strict=True):
        words = set(caption.replace(",", " ").replace(".", " ").split())
        assert words & set(WORLD_CLASS_NAMES) == {
            WORLD_CLASS_NAMES[index] for index in (labels > 0).nonzero()[0]
        }


def test_colours_stand_beside_their_objects(plain: Scenes) -> None:
    for colours, boxes in zip(plain.colours, plain.boxes, strict=True):
        assert len(colours) == len(boxes)
    caption = write_caption([("red", "car")], np.random.RandomState(0), colours=1.0)
    assert "red car" in caption


def test_a_picture_without_objects_has_a_caption() -> None:
    assert write_caption([], np.random.RandomState(0)) == "a picture of nothing."
