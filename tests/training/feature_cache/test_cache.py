import errno
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from tests.random_clip import random_pair
from tests.training.feature_cache.small_cache import (
    NAMES,
    NUM_IMAGES,
    cache_of,
    table_of,
    transform,
)
from trmml.data import BrokenImageError
from trmml.encoders import EncoderPair, TimmImageEncoder
from trmml.encoders.protocol import EncoderSource
from trmml.models import TRMML, TRMMLConfig, TRMMLTask
from trmml.training import CachedSource, FeatureCache, Recipe, SeededImages, StoredFeatures, fit

ROWS = list(range(NUM_IMAGES))


def encoded(images: SeededImages, rows: list[int], draw: int = 0) -> torch.Tensor:
    pixels = torch.stack([images.read(row, draw)[0] for row in rows])
    return random_pair().image.encode_dense(pixels)[0]


def test_features_are_those_of_the_tower_rounded_to_half_precision(tmp_path: Path) -> None:
    cache = cache_of(tmp_path)
    assert cache.fill(batch_size=3)
    features = cache.read(torch.tensor([7, 0, 19, 7]), 0)
    assert features.dtype == torch.float16
    assert (cache.grid, tuple(features.shape)) == ((2, 2), (4, 4, 16))
    expected = encoded(cache.images, [7, 0, 19, 7])
    # Batches of another size may round single precision in another way, once more.
    torch.testing.assert_close(features.float(), expected, rtol=2**-11, atol=1e-6)


def test_every_view_is_a_draw_of_its_own_and_epochs_go_round(tmp_path: Path) -> None:
    table = table_of(tmp_path, transform=transform(train=True))
    cache = cache_of(tmp_path, table, seed=3, num_views=2)
    cache.fill()
    views = [cache.read(ROWS, draw) for draw in range(4)]
    assert torch.equal(views[0], views[2])
    assert torch.equal(views[1], views[3])
    assert not torch.equal(views[0], views[1])
    for draw in range(2):
        expected = encoded(SeededImages(table, seed=3), ROWS, draw)
        torch.testing.assert_close(views[draw].float(), expected, rtol=2**-11, atol=1e-6)


def trained_on(
    dense: torch.Tensor, cache: FeatureCache, *, first_stage_share: float = 0.25
) -> list[float]:
    """Train a fresh model on features; return the loss of every step, and at last its logits."""
    generator = torch.Generator().manual_seed(0)
    config = TRMMLConfig(first_stage_share=first_stage_share)
    model = TRMML(random_pair(), NAMES, config=config, generator=generator)
    steps: list[float] = []
    fit(
        TRMMLTask(model),
        StoredFeatures(dense, dense.float().mean(dim=1), cache.grid),
        cache.images.table.labels.long(),
        recipe=Recipe(epochs=4, batch_size=5, max_lr=1e-3),
        progress=lambda _, losses: steps.append(losses["total"].item()),
    )
    return steps + model.match(dense, cache.grid).logits.flatten().tolist()


def test_training_on_the_cache_gives_what_training_without_it_gives(tmp_path: Path) -> None:
    cache = cache_of(tmp_path)
    cache.fill()
    dense = torch.cat([encoded(cache.images, ROWS[start : start + 8]) for start in (0, 8, 16)])
    assert trained_on(cache.read(ROWS, 0), cache) == trained_on(dense.half(), cache)
    # Completed labels are decisions, which rounding may turn; nothing else is.
    exact = trained_on(dense, cache, first_stage_share=1.0)
    rounded = trained_on(cache.read(ROWS, 0), cache, first_stage_share=1.0)
    assert rounded != exact
    assert rounded == pytest.approx(exact, rel=1e-2, abs=1e-2)
    assert exact[15] < 0.9 * exact[0]  # something was learnt


def test_a_second_run_computes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    cache_of(tmp_path).fill(progress=done.append)
    assert sum(done) == NUM_IMAGES
    cache = cache_of(tmp_path)
    assert cache.images_missing == 0
    monkeypatch.setattr(cache._encoder, "encode_dense", lambda _: pytest.fail("computed again"))
    assert cache.fill(progress=done.append)
    assert sum(done) == NUM_IMAGES
    cache.verify()


def test_labels_are_those_of_the_table_at_hand(tmp_path: Path) -> None:
    cache_of(tmp_path).fill()
    table = table_of(tmp_path)
    other = cache_of(tmp_path, table.replace(labels=-table.labels))
    assert other.images_missing == 0
    assert torch.equal(CachedSource(other).labels, -table.labels)


def test_a_broken_file_gives_the_image_and_the_labels_of_what_replaces_it(tmp_path: Path) -> None:
    table = table_of(tmp_path)
    for row in (4, 5, 19):
        (tmp_path / f"{row}.png").write_bytes(b"no image")
    cache = cache_of(tmp_path, table.replace(broken="replace"))
    cache.fill(num_workers=2, batch_size=4)
    assert cache.source_rows([3, 4, 5, 19], 0).tolist() == [3, 6, 6, 0]
    encoder = random_pair().image
    for opened in (cache, cache_of(tmp_path, table.replace(broken="replace"))):
        for row in ROWS:
            [batch] = CachedSource(opened).batches([torch.tensor([row])], epoch=0)
            image, expected, source = opened.images[row, 0]
            dense, _ = encoder.encode_dense(image[None])
            torch.testing.assert_close(batch.inputs.float(), dense, rtol=2**-11, atol=1e-6)
            assert torch.equal(batch.labels[0], expected)
            assert (batch.rows == source).all()


def test_a_broken_file_ends_the_filling_where_the_table_says_so(tmp_path: Path) -> None:
    table = table_of(tmp_path)
    (tmp_path / "11.png").write_bytes(b"no image")
    cache = cache_of(tmp_path, table)
    with pytest.raises(BrokenImageError, match=r"11\.png"):
        cache.fill()
    assert cache.images_missing == 12
    with pytest.raises(ValueError, match=r"`broken` must be 'error' or 'replace' .* got 'skip'"):
        cache_of(tmp_path, table.replace(broken="skip"))


def test_rows_that_are_not_there_are_refused(tmp_path: Path) -> None:
    cache = cache_of(tmp_path)
    with pytest.raises(RuntimeError, match=r"got \[2, 3\] of view 0.*call `fill` first"):
        cache.read([2, 3], 0)
    cache.fill()
    for rows in ([0, NUM_IMAGES], [-1]):
        with pytest.raises(IndexError, match="`rows` must be in 0 to 19"):
            cache.read(rows, 0)
    assert cache.read([], 0).shape == (0, 4, 16)


def test_another_process_blocks_are_found_when_they_are_read(tmp_path: Path) -> None:
    reader = cache_of(tmp_path)
    cache_of(tmp_path).fill()
    assert reader.read([19], 0).isfinite().all()


def test_a_disk_that_lacks_room_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = cache_of(tmp_path, num_views=3)
    assert cache.bytes_needed == 3 * NUM_IMAGES * 4 * 16 * 2 == 7680
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=7679))
        with pytest.raises(OSError, match=r"7,680 bytes, got 7,679 free.*fewer views") as e:
            cache.fill()
        assert e.value.errno == errno.ENOSPC
        assert [path.name for path in cache.folder.glob("features*")] == []
    cache.fill(should_stop=lambda: True)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    assert cache.fill()  # what was set aside is there, whatever else fills the disk


def test_a_disk_that_fills_up_while_space_is_set_aside_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    cache = cache_of(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", full)
        with pytest.raises(OSError, match=r"No space left on device.*features\.bin"):
            cache.fill()
    assert [path.name for path in cache.folder.glob("features*")] == []
    assert cache_of(tmp_path).fill()


def test_a_disk_that_fills_up_in_the_middle_keeps_what_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = os.fsync, []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 5:  # card, features.bin, block 0, its mark, block 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    cache = cache_of(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match=r"No space left on device.*features\.bin"):
            cache.fill()
    assert cache.images_missing == 12
    assert cache.fill()
    cache.verify()
    whole = cache_of(tmp_path, num_views=1, block_images=5)
    whole.fill()
    torch.testing.assert_close(cache.read(ROWS, 0).float(), whole.read(ROWS, 0).float())


def test_a_file_system_that_sets_nothing_aside_is_filled_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unable(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(os, "posix_fallocate", unable)
    cache = cache_of(tmp_path)
    assert cache.fill()
    cache.verify()


@pytest.mark.parametrize("size", [0, 100, 5000])
def test_a_truncated_file_is_found_on_opening(tmp_path: Path, size: int) -> None:
    cache = cache_of(tmp_path)
    cache.fill()
    os.truncate(cache.folder / "features.bin", size)
    with pytest.raises(ValueError, match=rf"must have 2560 bytes, but has {size};.*Delete the"):
        cache_of(tmp_path)


def test_a_file_that_is_truncated_later_is_found_on_reading(tmp_path: Path) -> None:
    cache = cache_of(tmp_path)
    cache.fill()
    os.truncate(cache.folder / "features.bin", 2500)
    assert torch.equal(cache.read([18], 0), cache.read(torch.tensor([18]), 1))
    with pytest.raises(ValueError, match="must have 2560 bytes, but has 2500"):
        cache.read([0, 19], 0)


def test_missing_features_are_found_on_opening(tmp_path: Path) -> None:
    cache = cache_of(tmp_path)
    cache.fill()
    (cache.folder / "features.bin").unlink()
    with pytest.raises(
        ValueError, match=r"must have 2560 bytes, but is missing.*Delete the folder"
    ):
        cache_of(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 1}'])
def test_a_damaged_card_is_found_on_opening(tmp_path: Path, text: str) -> None:
    cache = cache_of(tmp_path)
    cache.fill()
    (cache.folder / "card.json").write_text(text)
    with pytest.raises(ValueError, match=r"card.json must be .*Delete the folder"):
        cache_of(tmp_path)
    (cache.folder / "card.json").unlink()
    with pytest.raises(ValueError, match=r"card.json must be .*Delete the folder"):
        cache_of(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"sha256": "", "replaced": {"1": 99}}',
        '{"sha256": "", "replaced": {"9": 1}}',
    ],
)
def test_a_damaged_mark_is_found_on_opening(tmp_path: Path, text: str) -> None:
    cache = cache_of(tmp_path)
    cache.fill()
    (cache.folder / "done" / "000000.json").write_text(text)
    with pytest.raises(ValueError, match=r"must tell what a block holds.*Delete the folder"):
        cache_of(tmp_path)


def test_changed_bytes_are_found_when_asked_for(tmp_path: Path) -> None:
    cache = cache_of(tmp_path)
    cache.fill()
    cache.verify()
    with (cache.folder / "features.bin").open("r+b") as file:
        file.seek(128 * 9)
        file.write(b"\x01")
    with pytest.raises(ValueError, match="rows 8 to 15 of view 0 were changed; delete the folder"):
        cache.verify()


def test_features_beyond_half_precision_are_refused_with_the_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = cache_of(tmp_path)
    encode = random_pair().image.encode_dense

    def large(images: torch.Tensor) -> tuple[torch.Tensor, tuple[int, int]]:
        dense, grid = encode(images)
        if len(images) == 4:  # the last batch of its block
            dense[2, 1, 3] = 7e4
        return dense, grid

    monkeypatch.setattr(cache._encoder, "encode_dense", large)
    message = r"must fit half precision \(at most 65504\), got larger ones or nan for .*18\.png"
    with pytest.raises(FloatingPointError, match=message):
        cache.fill()
    assert cache.images_missing == 4


def test_a_tower_that_learns_or_has_no_weights_is_refused(tmp_path: Path) -> None:
    text, source = random_pair().text, EncoderSource("custom", "x", None)
    learning = TimmImageEncoder("test_resnet", dim=16)
    with pytest.raises(ValueError, match=r"learns \['projection.weight'\]; its features change"):
        cache_of(tmp_path, encoders=EncoderPair(learning, text, source))

    class Bare:
        dim, mean, std = 16, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)

        def __call__(self, images: torch.Tensor) -> None: ...

        def encode_dense(self, images: torch.Tensor) -> None: ...

    with pytest.raises(ValueError, match=r"must have an `nn.Module` as image tower.*got Bare"):
        cache_of(tmp_path, encoders=EncoderPair(Bare(), text, source))  # pyright: ignore


def test_images_of_several_sizes_are_refused(tmp_path: Path) -> None:
    table = table_of(tmp_path)
    cache = cache_of(tmp_path, table)
    cache.images.table.transform = transform(size=96)
    with pytest.raises(ValueError, match=r"tensors of one size, got \(96, 96\) after \(64, 64\)"):
        cache.fill()


@pytest.mark.parametrize("name", ["num_views", "block_images"])
def test_counts_below_one_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must be at least 1, got 0"):
        cache_of(tmp_path, None, None, **{name: 0})


def test_no_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`images` must hold at least one image, got none"):
        cache_of(tmp_path, table_of(tmp_path).select([]))


def test_filling_leaves_the_global_random_state_alone(tmp_path: Path) -> None:
    cache = cache_of(tmp_path)
    before = torch.get_rng_state()
    cache.fill(num_workers=1)
    assert torch.equal(torch.get_rng_state(), before)
