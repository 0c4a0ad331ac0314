import numpy as np
import pytest
import torch

from tests.data.readers.pictures import write_pictures
from trmml.data import load_formatted_arrays

IMAGES = ["actor/0001_21.jpg", "actor/0002_17.jpg", "zebra/0003_88.jpg"]
CONCEPTS = ["airport", "sky", "zebra"]
TRUTH = np.array([[1, 1, 0], [0, 0, 0], [0, 1, 1]])


@pytest.fixture
def arrays(tmp_path):
    np.save(tmp_path / "formatted_train_images.npy", np.array(IMAGES))
    np.save(tmp_path / "formatted_train_labels.npy", TRUTH.astype(float))
    observed = np.array([[0, 1, 0], [0, 0, -1], [0, 0, 1]], dtype=float)
    np.save(tmp_path / "formatted_train_labels_obs.npy", observed)
    write_pictures(tmp_path, IMAGES)
    return tmp_path


def test_the_arrays_of_spml(arrays):
    table = load_formatted_arrays(arrays, "train", arrays, CONCEPTS)
    assert table.names == IMAGES
    assert np.array_equal(table.labels.numpy(), TRUTH * 2 - 1)
    observed = load_formatted_arrays(arrays, "train", arrays, CONCEPTS, observed=True)
    assert observed.labels.tolist() == [[0, 1, 0], [0, 0, -1], [0, 0, 1]]
    old = arrays / "formatted_train_labels_obs.npy"
    old.rename(arrays / "formatted_train_uniform_labels_obs.npy")
    later = load_formatted_arrays(arrays, "train", arrays, CONCEPTS, observed=True)
    assert torch.equal(later.labels, observed.labels)


def test_arrays_that_need_pickle_are_refused(arrays):
    np.save(arrays / "formatted_train_images.npy", np.array(IMAGES, dtype=object))
    with pytest.raises(ValueError, match=r"holds Python objects, which are not loaded; save it"):
        load_formatted_arrays(arrays, "train", arrays, CONCEPTS)
    with pytest.raises(ValueError, match=r"formatted_val_images.npy: SPML's list of images is not"):
        load_formatted_arrays(arrays, "val", arrays, CONCEPTS)
