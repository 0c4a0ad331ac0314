import numpy as np
import pytest
import torch

from trmml.data import ImageTable, known_entries, make_mask, mask_of_list

LABELS = torch.tensor([[1, -1, 1], [-1, 1, -1], [1, 1, 1]])


@pytest.fixture
def table(tmp_path):
    return ImageTable(tmp_path, ["x/a.jpg", "x/b.jpg", "y/c.jpg"], LABELS, ["cat", "dog", "cow"])


def test_every_protocol_is_named_in_its_mask(table):
    for protocol in ("hcp", "dualcoop", "rps", "exact", "stratified"):
        mask = make_mask(table, protocol=protocol, keep=0.5)
        assert (mask.protocol, mask.seed, mask.keep) == (protocol, 0, 0.5)
    spml, splc = (make_mask(table, protocol=protocol) for protocol in ("spml", "splc"))
    assert (spml.protocol, spml.seed, spml.keep) == ("spml", 1200, None)
    assert splc.protocol.endswith("not those lists")
    assert spml.known.sum(1).tolist() == splc.known.sum(1).tolist() == [1, 1, 1]


def test_keep_belongs_to_hiding(table):
    with pytest.raises(ValueError, match=r"`keep` must be a share in .* for protocol 'hcp'"):
        make_mask(table, protocol="hcp")
    with pytest.raises(ValueError, match=r"`keep` must be None for protocol 'spml', got 0\.1"):
        make_mask(table, protocol="spml", keep=0.1)


def test_a_protocol_that_does_not_exist_is_refused_among_all_there_are(table, no_shape_checks):
    with pytest.raises(ValueError, match="'stratified', 'spml', 'splc', got 'sppml'; did you mean"):
        make_mask(table, protocol="sppml")  # type: ignore[arg-type]


def test_a_published_list_is_matched_by_file_name(table, tmp_path):
    (tmp_path / "list.txt").write_text("c.jpg, 2\na.jpg,0\nb.jpg, 1\n")
    mask = mask_of_list(table, tmp_path / "list.txt")
    assert mask.protocol == "published list list.txt"
    assert mask.apply(table.labels, names=table.names).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.jpg, 0\nb.jpg, 1\n", "must list the 3 images of the dataset, got 2, 1 of the dataset"),
        ("a.jpg, 0\nb.jpg, 1\nd.jpg, 1\n", "got 3, 1 of the dataset's not among them"),
        ("a.jpg, 1\nb.jpg, 1\nc.jpg, 1\n", "got another label at row 0, class 1"),
        ("a.jpg, 3\nb.jpg, 1\nc.jpg, 1\n", "names class 3"),
    ],
)
def test_a_list_of_something_else_is_refused(table, tmp_path, text, message):
    (tmp_path / "list.txt").write_text(text)
    with pytest.raises(ValueError, match=message):
        mask_of_list(table, tmp_path / "list.txt")


def test_tai_dpt_draws_its_coco_mask_with_seed_1():
    known = known_entries(82_783, 80, 0.1, seed=1)
    stream = np.random.RandomState(1)
    for row in range(200):
        draws = [stream.random_sample() for _ in range(80)]
        assert known[row].tolist() == [draw < 0.1 for draw in draws]
    assert known.mean() == pytest.approx(0.1, abs=2e-4)
    assert not np.array_equal(known, known_entries(82_783, 80, 0.1, seed=0))
