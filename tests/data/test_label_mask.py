import json

import numpy as np
import pytest
import torch

from trmml.data import LabelMask, hide_labels, keep_single_positive

FULL = np.where(np.random.RandomState(0).rand(50, 7) < 0.3, 1, -1).astype(np.int8)
NAMES = [f"{row:06d}.jpg" for row in range(50)]
CLASSES = ["cat", "dog", "cow", "café", "bus", "car", "tie"]


@pytest.fixture
def mask():
    partial = hide_labels(FULL, 0.3, seed=4)
    return LabelMask.between(
        FULL, partial, protocol="hcp", seed=4, keep=0.3, class_names=CLASSES, names=NAMES
    )


def test_round_trip(mask, tmp_path):
    mask.save(tmp_path / "coco.mask")
    loaded = LabelMask.load(tmp_path / "coco.mask")
    assert np.array_equal(loaded.known, mask.known)
    assert (loaded.protocol, loaded.seed, loaded.keep) == ("hcp", 4, 0.3)
    assert loaded.class_names == tuple(CLASSES)
    assert loaded.share == mask.known.mean()
    assert (loaded.names_sha256, loaded.labels_sha256) == (mask.names_sha256, mask.labels_sha256)


def test_what_is_not_known_stays_out(tmp_path):
    partial = keep_single_positive(FULL)
    LabelMask.between(FULL, partial, protocol="spml").save(tmp_path / "m")
    loaded = LabelMask.load(tmp_path / "m")
    assert (loaded.seed, loaded.keep, loaded.class_names, loaded.names_sha256) == (
        None,
        None,
        (),
        "",
    )


def test_applying_gives_the_partial_labels_of_the_same_kind(mask):
    expected = hide_labels(FULL, 0.3, seed=4)
    assert np.array_equal(mask.apply(FULL, names=NAMES), expected)
    found = mask.apply(torch.from_numpy(FULL).float())
    assert found.dtype == torch.float32
    assert np.array_equal(found.numpy(), expected)


def test_a_text_viewer_shows_the_description(mask, tmp_path):
    mask.save(tmp_path / "m")
    data = (tmp_path / "m").read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["trmml"])
    assert header["protocol"] == "hcp"
    assert (header["rows"], header["classes"]) == (50, 7)
    assert header["known"] == int(mask.known.sum())
    assert header["share"] == pytest.approx(header["known"] / 350)
    assert len(data) - 8 - size == -(-350 // 8)


def test_saving_twice_gives_the_same_bytes(mask, tmp_path):
    mask.save(tmp_path / "a")
    mask.save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_checksum_is_of_what_is_known_alone(mask, tmp_path):
    mask.save(tmp_path / "m")
    other = LabelMask(known=mask.known.copy(), protocol="another")
    assert mask.sha256 == LabelMask.load(tmp_path / "m").sha256 == other.sha256
    other.known[3, 2] ^= True
    assert other.sha256 != mask.sha256


def test_a_mask_of_the_size_of_voc_keeps_its_count(tmp_path):
    full = -np.ones((5011, 20), dtype=np.int8)
    mask = LabelMask.between(full, hide_labels(full, 0.1), protocol="hcp", seed=0, keep=0.1)
    mask.save(tmp_path / "m")
    assert int(LabelMask.load(tmp_path / "m").known.sum()) == 10108


def test_a_mask_refuses_what_it_was_not_made_for(mask, no_shape_checks):
    with pytest.raises(ValueError, match=r"shape \[50, 7\] as the mask, got \[49, 7\].*82,081"):
        mask.apply(FULL[:49])
    with pytest.raises(ValueError, match="must be the full labels the mask was made for"):
        mask.apply(FULL[::-1].copy())
    with pytest.raises(ValueError, match="`names` must be those of the mask in its order"):
        mask.apply(FULL, names=NAMES[::-1])


def test_partial_labels_must_come_from_the_full_ones(no_shape_checks):
    wrong = FULL.copy()
    wrong[2, 1] *= -1
    with pytest.raises(ValueError, match="got another label at row 2, class 1"):
        LabelMask.between(FULL, wrong, protocol="x")
    with pytest.raises(ValueError, match=r"`partial` must have the shape of `full`, \[50, 7\]"):
        LabelMask.between(FULL, FULL[:3], protocol="x")
    with pytest.raises(ValueError, match="`names` must be empty or 50 long, got 1"):
        LabelMask.between(FULL, FULL, protocol="x", names=["a"])
    with pytest.raises(ValueError, match="`class_names` must be empty or 7 long, got 1"):
        LabelMask.between(FULL, FULL, protocol="x", class_names=["a"])


def test_damage_is_noticed(mask, tmp_path):
    path = tmp_path / "m"
    mask.save(path)
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match="m: damaged, the checksum of its mask does not fit"):
        LabelMask.load(path)
    path.write_bytes(data[:-3])
    with pytest.raises(ValueError, match="m: no label mask, or damaged"):
        LabelMask.load(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="m: no label mask, or damaged"):
        LabelMask.load(path)
    with pytest.raises(ValueError, match="nowhere: the file does not exist"):
        LabelMask.load(tmp_path / "nowhere")


def test_a_folder_that_is_not_there_is_named(mask, tmp_path):
    with pytest.raises(ValueError, match=r"nowhere/m: cannot be written, the folder .*nowhere"):
        mask.save(tmp_path / "nowhere" / "m")


def test_other_safetensors_are_refused(tmp_path):
    from safetensors.numpy import save_file

    save_file({"x": np.zeros(3)}, tmp_path / "m")
    with pytest.raises(ValueError, match="m: no label mask; its format is None"):
        LabelMask.load(tmp_path / "m")
