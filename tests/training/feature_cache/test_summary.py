from pathlib import Path

import pytest

from tests.training.feature_cache.small_cache import cache_of, table_of, transform
from trmml.training import describe_cache


def test_a_cache_is_described_from_its_folder_alone(tmp_path: Path) -> None:
    cache = cache_of(tmp_path, table_of(tmp_path, transform=transform(train=True)), num_views=2)
    text = cache.describe()
    assert "done: 0 of 40 (20 images in 2 views)" in text
    assert "size: 5.1 kB, 2 x 2 positions of 16 float16 numbers" in text
    assert "RandomCutout" in text
    done: list[int] = []
    cache.fill(progress=done.append, should_stop=lambda: len(done) == 2)
    assert describe_cache(cache.folder) == cache.describe() != text
    assert "done: 16 of 40" in cache.describe()


def test_a_transform_of_own_code_is_described(tmp_path: Path) -> None:
    cache = cache_of(tmp_path, table_of(tmp_path, transform=lambda image: transform()(image)))
    assert "transform: " in cache.describe()


def test_a_folder_that_is_no_cache_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        describe_cache(tmp_path)
