import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Subset

from trmml.data import BrokenImageError, ImageTable, hide_labels

LABELS = torch.tensor([[1, -1], [0, 1], [-1, -1], [1, 1], [1, 0], [-1, 1]], dtype=torch.int8)


def to_tensor(image):
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


@pytest.fixture
def folder(tmp_path):
    for row in range(6):
        Image.new("RGB", (5, 4), (row, 0, 0)).save(tmp_path / f"{row}.png")
    return tmp_path


@pytest.fixture
def table(folder):
    return ImageTable(folder, [f"{row}.png" for row in range(6)], LABELS, ["cat", "dog"])


def test_an_item_is_an_image_and_its_labels(table):
    image, labels = table[3]
    assert image.getpixel((0, 0)) == (3, 0, 0)
    assert labels.dtype == torch.int8
    assert labels.tolist() == [1, 1]
    assert table[-1][1].tolist() == [-1, 1]
    assert (len(table), table.num_classes, table.class_names) == (6, 2, ("cat", "dog"))
    assert table.paths[2] == table.root / "2.png"
    with pytest.raises(IndexError):
        table[6]


def test_iteration_ends(table):
    assert len(list(table)) == 6


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_stacks_batches(table, workers):
    table = table.replace(transform=to_tensor)
    batches = list(DataLoader(table, batch_size=4, num_workers=workers))
    assert [tuple(images.shape) for images, _ in batches] == [(4, 3, 4, 5), (2, 3, 4, 5)]
    assert torch.equal(torch.cat([labels for _, labels in batches]), LABELS)


def test_labels_may_be_any_numbers_of_the_coding(folder):
    names = [f"{row}.png" for row in range(6)]
    for labels in (LABELS.double(), LABELS.numpy(), LABELS.numpy().astype(float)):
        table = ImageTable(folder, names, labels, ["cat", "dog"])
        assert table.labels.dtype == torch.int8
        assert torch.equal(table.labels, LABELS)


def test_changing_an_item_leaves_the_table_alone(table):
    table[0][1].zero_()
    assert torch.equal(table.labels, LABELS)


def test_photographs_can_be_decoded_small(tmp_path):
    Image.new("RGB", (400, 240)).save(tmp_path / "a.jpg")
    table = ImageTable(tmp_path, ["a.jpg"], LABELS[:1], ["cat", "dog"], min_side=60)
    assert table[0][0].size == (100, 60)
    assert table.replace(min_side=None)[0][0].size == (400, 240)


def test_replace_changes_a_copy(table):
    hidden = table.replace(labels=hide_labels(table.labels, 0.5), class_names=["kitten", "puppy"])
    assert hidden.class_names == ("kitten", "puppy")
    assert int((hidden.labels != 0).sum()) < int((table.labels != 0).sum())
    assert torch.equal(table.labels, LABELS)
    assert hidden.replace(min_side=3).class_names == ("kitten", "puppy")
    with pytest.raises(TypeError, match=r"`replace` takes labels, class_names.*got name"):
        table.replace(name="x")


@pytest.mark.parametrize(
    "rows",
    [[4, 0], np.array([4, 0]), torch.tensor([4, 0]), torch.tensor([4, 0], dtype=torch.int32)],
    ids=lambda rows: type(rows).__name__,
)
def test_select_takes_rows_in_order(table, rows):
    part = table.select(rows)
    assert part.names == ["4.png", "0.png"]
    assert part[0][0].getpixel((0, 0)) == (4, 0, 0)
    assert torch.equal(part.labels, LABELS[[4, 0]])


def test_select_takes_a_mask(table):
    assert table.select(table.labels[:, 0] > 0).names == ["0.png", "3.png", "4.png"]
    assert len(table.select([])) == 0


def test_repr_says_what_is_known(table):
    assert repr(table).startswith(
        "ImageTable(6 images, 2 classes, 83.3% of the labels known, 6 positive, root="
    )


@pytest.fixture
def damaged(table):
    (table.root / "1.png").write_bytes(b"")
    (table.root / "2.png").write_bytes((table.root / "2.png").read_bytes()[:40])
    return table.replace(transform=to_tensor)


def first_pixels(loader):
    return [int(value) for images, _ in loader for value in images[:, 0, 0, 0]]


def test_a_broken_image_is_an_error_by_default(damaged):
    with pytest.raises(BrokenImageError, match=r"1\.png: the file is empty"):
        damaged[1]
    with pytest.raises(BrokenImageError, match=r"1\.png: the file is empty"):
        list(DataLoader(damaged, batch_size=3))


@pytest.mark.parametrize("workers", [0, 2])
def test_skip_leaves_broken_images_out_and_counts_them(damaged, workers):
    table = damaged.replace(broken="skip")
    loader = DataLoader(table, batch_size=3, num_workers=workers)
    for _ in range(2):
        assert first_pixels(loader) == [0, 3, 4, 5]
    assert torch.equal(torch.cat([labels for _, labels in loader]), LABELS[[0, 3, 4, 5]])
    found = table.broken_files()
    assert [error.path.name for error in found] == ["1.png", "2.png"]
    assert found[0].reason == "the file is empty (0 bytes)"


@pytest.mark.parametrize("workers", [0, 2])
def test_replace_puts_the_next_readable_row_in_place_and_counts(damaged, workers):
    table = damaged.replace(broken="replace")
    loader = DataLoader(table, batch_size=3, num_workers=workers)
    assert first_pixels(loader) == [0, 3, 3, 3, 4, 5]
    assert torch.equal(torch.cat([labels for _, labels in loader]), LABELS[[0, 3, 3, 3, 4, 5]])
    assert [error.path.name for error in table.broken_files()] == ["1.png", "2.png"]


def test_nothing_broken_means_nothing_reported(table):
    table = table.replace(broken="skip", transform=to_tensor)
    assert len(first_pixels(DataLoader(table, batch_size=2))) == 6
    assert table.broken_files() == []


def test_a_file_repaired_meanwhile_is_still_reported(damaged):
    table = damaged.replace(broken="replace")
    table[1]
    Image.new("RGB", (5, 4)).save(table.root / "1.png")
    assert [error.reason for error in table.broken_files()] == [
        "was unreadable before, is readable now"
    ]


def test_a_subset_keeps_the_policy(damaged):
    table = damaged.replace(broken="skip")
    assert first_pixels(DataLoader(Subset(table, [2, 4]), batch_size=2)) == [4]


@pytest.mark.parametrize("broken", ["skip", "replace"])
def test_broken_images_never_end_a_run_of_forty_epochs(damaged, broken, caplog):
    table = damaged.replace(broken=broken)
    shuffle = torch.Generator().manual_seed(0)
    # Batches of one: with "skip", whole batches are broken again and again.
    loader = DataLoader(table, batch_size=1, shuffle=True, generator=shuffle)
    for _ in range(40):
        assert set(first_pixels(loader)) == {0, 3, 4, 5}
    assert [error.path.name for error in table.broken_files()] == ["1.png", "2.png"]
    said = sorted(record.message.rsplit("/", 1)[1][:5] for record in caplog.records)
    assert said == ["1.png", "2.png"]  # each once, not once an epoch


def test_a_folder_of_broken_images_is_an_error(damaged):
    for path in damaged.paths:
        path.write_bytes(b"")
    with pytest.raises(ValueError, match="Not one of the 6 images"):
        damaged.replace(broken="replace")[0]


def test_sizes_names_and_codings_are_checked(tmp_path, no_shape_checks):
    with pytest.raises(ValueError, match=r"`labels` must be of shape \[1, 2\].*got \[6, 2\]"):
        ImageTable(tmp_path, ["a"], LABELS, ["cat", "dog"])
    with pytest.raises(ValueError, match="`names` must be distinct, got 'a' more than once"):
        ImageTable(tmp_path, ["a", "b", "a"], LABELS[:3], ["cat", "dog"])
    with pytest.raises(ValueError, match="`class_names` must be distinct, but 'cat'"):
        ImageTable(tmp_path, ["a"], LABELS[:1], ["cat", "cat"])
    with pytest.raises(ValueError, match=r"only -1 \(negative\)"):
        ImageTable(tmp_path, ["a"], LABELS[:1] * 2, ["cat", "dog"])
    with pytest.raises(
        ValueError, match="`broken` must be one of 'error', 'skip', 'replace', got 'stop'"
    ):
        ImageTable(tmp_path, ["a"], LABELS[:1], ["cat", "dog"], broken="stop")  # type: ignore[arg-type]
