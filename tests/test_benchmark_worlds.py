from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from benchmarks import kept_features, worlds
from benchmarks.kept_features import cache_folder
from trmml.demo.images import ImageSet
from trmml.encoders import EncoderPair, load_tiny
from trmml.metrics import mean_average_precision
from trmml.models import zero_shot_scores, zero_shot_text_features
from trmml.training import StoredFeatures

COCO256 = Path(__file__).parents[2] / "shared" / "data" / "coco256"


@pytest.fixture(scope="module")
def tiny() -> EncoderPair:
    return load_tiny()


@pytest.fixture
def encoded(monkeypatch) -> list[int]:
    """Note of how many images features are computed, in the order of the calls."""
    counted: list[int] = []
    own = kept_features.encode_images

    def encode_images(encoder, batches):
        features = own(encoder, batches)
        counted.append(len(features))
        return features

    monkeypatch.setattr(kept_features, "encode_images", encode_images)
    return counted


def noise(number: int, *, seed: int = 0) -> ImageSet:
    """Return images of noise without a label."""
    generator = torch.Generator().manual_seed(seed)
    shape = (number, 3, 64, 64)
    pixels = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    labels = torch.zeros(number, 2, dtype=torch.long)
    return ImageSet([str(row) for row in range(number)], labels, lambda row: pixels[row])


def test_features_are_computed_once(tmp_path, tiny, encoded):
    first = kept_features.kept_features(tiny, noise(3), tmp_path / "new")
    again = kept_features.kept_features(tiny, noise(3), tmp_path / "new")
    assert encoded == [1, 3, 1]
    assert torch.equal(first.dense, again.dense)
    assert torch.equal(first.pooled, again.pooled)
    assert first.grid == again.grid == (2, 2)


def test_other_pixels_and_other_towers_have_features_of_their_own(tmp_path, tiny, encoded):
    other = load_tiny()
    with torch.no_grad():
        next(iter(other.image.parameters())).add_(0.1)  # pyright: ignore[reportAttributeAccessIssue]
    for encoders, images in ((tiny, noise(3)), (tiny, noise(3, seed=1)), (other, noise(3))):
        kept_features.kept_features(encoders, images, tmp_path)
    assert encoded == [1, 3, 1, 3, 1, 3]
    assert len(list(tmp_path.iterdir())) == 3


def test_features_that_the_towers_code_no_longer_gives_are_computed_anew(tmp_path, tiny, encoded):
    right = kept_features.kept_features(tiny, noise(3), tmp_path)
    (path,) = tmp_path.iterdir()
    stale = load_file(path)
    save_file(stale | {"dense": stale["dense"] + 0.1}, path)
    again = kept_features.kept_features(tiny, noise(3), tmp_path)
    assert encoded == [1, 3, 1, 3]
    assert torch.equal(again.dense, right.dense)
    assert torch.equal(load_file(path)["dense"], right.dense)


def test_the_folder_is_the_system_s(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "trmml-benchmarks"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "trmml-benchmarks"


def test_landscapes_need_a_table(capsys):
    with pytest.raises(SystemExit):
        worlds.main(["landscapes", "--images", "photos"])
    assert "--labels: landscapes need a table; give its path." in capsys.readouterr().err


def test_what_the_towers_know_is_told_without_classes_that_do_not_occur(monkeypatch, capsys, tiny):
    dense = torch.randn(10, 4, 128)
    features = StoredFeatures(dense, dense.mean(dim=1), (2, 2))
    truth = torch.where(torch.rand(10, 3) < 0.5, 1, -1)
    truth[5:, 1] = -1
    world: worlds.World = {
        "encoders": tiny,
        "names": ["tree", "boat", "sun"],
        "train": StoredFeatures(*features[:5]),
        "truth": truth[:5],
        "judged": StoredFeatures(*features[5:]),
        "judged_truth": truth[5:],
    }
    monkeypatch.setattr(worlds, "real_coco256", lambda _, **__: world)
    worlds.main(["coco256", "--images", "photos"])
    texts = zero_shot_text_features(tiny.text, world["names"])
    scores = zero_shot_scores(features[:], texts, dense=True)
    expected = 100 * mean_average_precision(scores, truth)
    judged = 100 * mean_average_precision(scores[5:], truth[5:])
    printed = capsys.readouterr().out.splitlines()
    assert (
        printed[0] == f"coco256, all 10 images, by position: mAP {expected:.1f} over 3 categories"
    )
    assert printed[1].endswith(f"judged 5 images, by position: mAP {judged:.1f} over 2 categories")
    assert len(printed) == 4


@pytest.mark.skipif(not COCO256.is_dir(), reason="needs the photographs of coco256")
def test_coco256_is_split_by_its_seed(monkeypatch, tmp_path, tiny):
    own = worlds.coco_images(COCO256)
    assert own.labels.shape == (256, 80)
    assert int((own.labels > 0).any(dim=0).sum()) == 76
    assert own.read(0).shape == (3, 448, 448)
    monkeypatch.setattr(worlds, "real_pair", lambda: tiny)
    monkeypatch.setattr(worlds, "coco_images", lambda _: small(own))
    drawn = [worlds.real_coco256(COCO256, seed=seed, cache=tmp_path) for seed in (0, 0, 1)]
    for world in drawn:
        assert len(world["train"]) == len(world["judged"]) == 128
        assert len(world["names"]) == 80
    assert torch.equal(drawn[0]["judged_truth"], drawn[1]["judged_truth"])
    assert not torch.equal(drawn[0]["judged_truth"], drawn[2]["judged_truth"])
    # features and labels of a row stay together
    everything = kept_features.kept_features(tiny, small(own), tmp_path)
    for world in drawn:
        for row in (0, 127):
            same = (everything.dense == world["judged"].dense[row]).all(dim=(1, 2)).nonzero()
            assert torch.equal(own.labels[int(same)], world["judged_truth"][row])
    both = [torch.cat([world["truth"], world["judged_truth"]]) for world in drawn]
    assert torch.equal(both[0].sum(dim=0), both[2].sum(dim=0))


def small(images: ImageSet) -> ImageSet:
    """Return images with the same labels, each of one colour that tells its row."""
    return ImageSet(
        images.names,
        images.labels,
        lambda row: torch.full((3, 32, 32), row, dtype=torch.uint8),
    )
