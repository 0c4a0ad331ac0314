import pytest
import torch

from tests.prediction.photographs import NAMES, small_model, table_of, write_pictures
from trmml.data import BrokenImageError
from trmml.data.transforms import build_transform
from trmml.prediction import score_images, stream_scores


@pytest.fixture(scope="module")
def model():
    return small_model()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "photos"


@pytest.mark.parametrize("workers", [0, 2])
def test_scores_are_those_of_each_photograph_alone(model, folder, workers):
    table = table_of(folder, write_pictures(folder))
    scores = score_images(model, table, batch_size=3, num_workers=workers)
    alone = torch.cat([model(model.preprocess(path)).logits for path in table.paths])
    torch.testing.assert_close(scores, alone.detach())
    assert not scores.requires_grad
    assert scores.std(0).min() > 0.01


def test_a_transform_of_the_table_is_used_as_it_is(model, folder):
    encoder = model.image_encoder
    transform = build_transform("spml", train=False, size=64, mean=encoder.mean, std=encoder.std)
    table = table_of(folder, write_pictures(folder), transform=transform)
    expected = model(torch.stack([image for image, _ in (table[row] for row in range(7))])).logits
    torch.testing.assert_close(score_images(model, table), expected.detach())


def test_pixels_that_are_not_normalised_are(model, folder):
    names = write_pictures(folder)
    plain = table_of(folder, names)
    eight_bit = plain.replace(
        transform=lambda picture: (model.preprocess(picture)[0] * 0).to(torch.uint8)
    )
    mean, std = (torch.tensor(x) for x in (model.image_encoder.mean, model.image_encoder.std))
    black = (-mean / std)[:, None, None].expand(7, 3, 64, 64)
    torch.testing.assert_close(score_images(model, eight_bit), model(black).logits.detach())


def test_training_goes_on_as_it_was(folder):
    model = small_model().train()
    table = table_of(folder, write_pictures(folder))
    scores = score_images(model, table)
    assert model.training
    assert model.prompts.training
    torch.testing.assert_close(scores, score_images(model.eval(), table))
    assert not model.training


def test_the_callers_grad_mode_is_left_alone_between_batches(model, folder):
    for _ in stream_scores(model, table_of(folder, write_pictures(folder)), batch_size=2):
        assert torch.is_grad_enabled()


@pytest.mark.parametrize("workers", [0, 1])
def test_an_unreadable_photograph_is_a_row_of_nan_or_an_error(model, folder, workers):
    names = write_pictures(folder, damaged=(0, 1, 4))
    table = table_of(folder, names, broken="skip")
    scores = score_images(model, table, batch_size=2, num_workers=workers)
    assert scores.isnan().all(1).nonzero().flatten().tolist() == [0, 1, 4]
    whole = score_images(model, table.select([2, 3, 5, 6]))
    torch.testing.assert_close(scores[[2, 3, 5, 6]], whole)
    with pytest.raises(BrokenImageError, match=r"0, ö.png: damaged"):
        score_images(model, table.replace(broken="error"), num_workers=workers)


def test_another_photographs_score_is_never_given(model, folder):
    table = table_of(folder, write_pictures(folder), broken="replace")
    with pytest.raises(ValueError, match=r'`broken` "error" or "skip".*"replace"'):
        score_images(model, table)


def test_batches_come_one_by_one_and_say_which_rows_they_are(model, folder):
    names = write_pictures(folder, damaged=(3,))
    stream = stream_scores(model, table_of(folder, names), batch_size=3)
    first = next(stream)
    assert (first.rows, first.broken) == ([0, 1, 2], {})
    (folder / names[6]).unlink()  # not read yet
    second, third = stream
    assert (second.rows, [*second.broken]) == ([4, 5], [3])
    assert (third.rows, third.logits.shape) == ([], (0, 3))
    assert third.broken[6].reason == "the file does not exist"


def test_progress_counts_every_image(model, folder):
    steps = []
    table = table_of(folder, write_pictures(folder, damaged=(3,)), broken="skip")
    score_images(model, table, batch_size=4, progress=steps.append)
    assert steps == [4, 3]


def test_no_image_gives_no_row(model, folder):
    table = table_of(folder, write_pictures(folder)).select([])
    assert score_images(model, table).shape == (0, len(NAMES))


def test_a_batch_needs_an_image(model, folder):
    with pytest.raises(ValueError, match="`batch_size` must be at least 1, got 0"):
        next(stream_scores(model, table_of(folder, write_pictures(folder)), batch_size=0))
