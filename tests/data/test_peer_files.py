import numpy as np
import pytest
import torch

from trmml.data import (
    hide_labels,
    known_entries,
    read_dualcoop_mask,
    read_label_array,
    read_label_text,
    write_dualcoop_mask,
    write_label_text,
)


@pytest.mark.parametrize("slices", [1, 3])
def test_dualcoop_masks_both_ways(slices, tmp_path):
    known = known_entries(30, 8, 0.5)
    path = tmp_path / f"partial_label_{0.5:.2f}.pt"
    write_dualcoop_mask(path, known, num_slices=slices)
    saved = torch.load(path, weights_only=True)
    assert (saved.dtype, tuple(saved.shape)) == (torch.int64, (30, slices, 8))
    assert all(np.array_equal(saved[:, s].numpy(), known) for s in range(slices))
    assert np.array_equal(read_dualcoop_mask(path), known)


def test_slices_that_leak_are_refused(tmp_path):
    mask = torch.zeros(5, 3, 4, dtype=torch.int64)
    mask[1, 2, 3] = mask[4, 0, 0] = 1
    torch.save(mask, tmp_path / "m.pt")
    with pytest.raises(ValueError, match="slices by object size differ in 2 rows"):
        read_dualcoop_mask(tmp_path / "m.pt")


def test_only_plain_tensors_are_loaded(tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "m.pt")
    with pytest.raises(ValueError, match=r"m\.pt: no tensor that is safe to load"):
        read_dualcoop_mask(tmp_path / "m.pt")
    with pytest.raises(ValueError, match=r"x\.pt: the file does not exist"):
        read_dualcoop_mask(tmp_path / "x.pt")
    for wrong in (torch.zeros(3, 4), torch.full((3, 1, 4), 2), {"mask": torch.zeros(1, 1, 1)}):
        torch.save(wrong, tmp_path / "m.pt")
        with pytest.raises(ValueError, match=r"must hold a tensor of 0 and 1, \[rows slices"):
            read_dualcoop_mask(tmp_path / "m.pt")
    with pytest.raises(ValueError, match="`num_slices` must be at least 1, got 0"):
        write_dualcoop_mask(tmp_path / "m.pt", np.ones((1, 1), dtype=bool), num_slices=0)


def test_label_text_both_ways(tmp_path):
    labels = hide_labels(-np.ones((12, 20), dtype=np.int8), 0.1)
    write_label_text(tmp_path / "train_proportion_0.1.txt", labels)
    text = (tmp_path / "train_proportion_0.1.txt").read_text()
    assert text.splitlines()[0] == "0," * 14 + "-1,-1,-1,0,0,0"
    assert text.count("\n") == 12
    assert np.array_equal(read_label_text(tmp_path / "train_proportion_0.1.txt"), labels)


def test_wrong_label_text(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("1,0\n\n1,0,1\n")
    with pytest.raises(ValueError, match=r"labels.txt: line 3 has 3 entries, the first 2"):
        read_label_text(path)
    path.write_text("1,2\n")
    with pytest.raises(ValueError, match="line 1 must hold -1, 0 and 1, got '2'"):
        read_label_text(path)


def test_label_arrays(tmp_path):
    labels = hide_labels(-np.ones((12, 20)), 0.3)
    np.save(tmp_path / "a.npy", labels)
    assert read_label_array(tmp_path / "a.npy").tolist() == labels.tolist()
    np.save(tmp_path / "b.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"b\.npy: no array that is safe to load"):
        read_label_array(tmp_path / "b.npy")
    np.save(tmp_path / "c.npy", np.arange(4).reshape(2, 2))
    with pytest.raises(ValueError, match="must hold a matrix of -1, 0 and 1"):
        read_label_array(tmp_path / "c.npy")
    with pytest.raises(ValueError, match=r"d\.npy: the file does not exist"):
        read_label_array(tmp_path / "d.npy")
