import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch

from tests.random_clip import random_pair
from tests.training.feature_cache.small_cache import NUM_IMAGES, cache_of, write_pictures
from trmml.training import FeatureCache

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}

# Encodes slowly, says each batch, and waits at a batch on request.
SCRIPT = """
import sys, time
from pathlib import Path
from tests.training.feature_cache.small_cache import cache_of

folder, pause, hang_at = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
cache, encoded = cache_of(folder, num_views=2), []
encode = cache._encoder.encode_dense

def slow(images):
    encoded.append(len(images))
    if len(encoded) == hang_at:
        print("hanging", flush=True)
        time.sleep(600)
    time.sleep(pause)
    return encode(images)

object.__setattr__(cache._encoder, "encode_dense", slow)
print("ready", flush=True)
sys.stdin.readline()
done = []
complete = cache.fill(batch_size=4, num_workers=int(sys.argv[4]), progress=done.append)
print(complete, sum(encoded), sum(done), flush=True)
"""


def refilled(cache: FeatureCache, *, workers: int = 0) -> bytes:
    """Fill a cache from nothing and return its bytes."""
    shutil.rmtree(cache.folder)
    again = cache_of(cache.folder.parents[1], num_views=cache.num_views)
    assert again.folder == cache.folder
    assert again.fill(batch_size=4, num_workers=workers)
    return (cache.folder / "features.bin").read_bytes()


def start(
    folder: Path, *, pause: float = 0.0, hang_at: int = 0, workers: int = 0
) -> subprocess.Popen[str]:
    arguments = [str(folder), str(pause), str(hang_at), str(workers)]
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
        cwd=ROOT,
    )


def say_go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def next_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_a_killed_filling_is_taken_up_to_the_same_bytes_by_one_that_waits(tmp_path: Path) -> None:
    write_pictures(tmp_path)
    process = start(tmp_path, hang_at=6, workers=1)  # in the fourth of six blocks
    cache, outcome = cache_of(tmp_path, num_views=2), []
    waiting = threading.Thread(target=lambda: outcome.append(cache.fill(batch_size=4)), daemon=True)
    try:
        assert next_line(process) == "ready"
        say_go(process)
        assert next_line(process) == "hanging"
        deadline = time.monotonic() + 60
        while cache_of(tmp_path, num_views=2).images_missing > NUM_IMAGES:  # the third is written
            assert time.monotonic() < deadline
            time.sleep(0.05)
        waiting.start()
        held = 16  # the fourth block, and the fifth, whose images are being decoded
        while cache.images_missing > held and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)  # time enough to compute what the other one holds
        assert cache.images_missing == held
        assert waiting.is_alive()
        os.kill(process.pid, signal.SIGKILL)
        waiting.join(60)
    finally:
        end(process)
    assert outcome == [True]
    assert (cache.folder / "features.bin").read_bytes() == refilled(cache)


def test_processes_share_the_work_and_wait_for_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pictures(tmp_path)
    other = start(tmp_path, pause=0.1)
    cache, encoded, done = cache_of(tmp_path, num_views=2), [], []
    encode = random_pair().image.encode_dense

    def slow(images: torch.Tensor) -> tuple[torch.Tensor, tuple[int, int]]:
        encoded.append(len(images))
        time.sleep(0.1)
        return encode(images)

    monkeypatch.setattr(cache._encoder, "encode_dense", slow)
    try:
        assert next_line(other) == "ready"
        say_go(other)
        assert cache.fill(batch_size=4, progress=done.append)
        complete, others, others_done = next_line(other).split()
    finally:
        end(other)
    assert complete == "True"
    assert sum(encoded) + int(others) == 2 * NUM_IMAGES
    assert min(sum(encoded), int(others)) > 0
    assert sum(done) == int(others_done) == 2 * NUM_IMAGES
    assert cache.images_missing == 0
    assert (cache.folder / "features.bin").read_bytes() == refilled(cache)


def test_a_block_is_written_while_the_next_is_encoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, encodings, written = cache_of(tmp_path), 0, []
    begun, encoded = threading.Event(), threading.Event()
    write, encode = cache._file.write, random_pair().image.encode_dense

    def waits_for_the_second(view: int, start: int, features: torch.Tensor) -> str:
        begun.set()
        assert encoded.wait(60)
        written.append(start)
        return write(view, start, features)

    def waits_for_the_first(images: torch.Tensor) -> tuple[torch.Tensor, tuple[int, int]]:
        nonlocal encodings
        encodings += 1
        if encodings == 2:
            assert begun.wait(60)
            assert not written
            encoded.set()
        return encode(images)

    monkeypatch.setattr(cache._file, "write", waits_for_the_second)
    monkeypatch.setattr(cache._encoder, "encode_dense", waits_for_the_first)
    assert cache.fill(batch_size=8)
    assert (encodings, written) == (3, [0, 8, 16])
    assert (cache.folder / "features.bin").read_bytes() == refilled(cache)


def test_a_block_that_cannot_be_written_ends_the_filling_and_keeps_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = cache_of(tmp_path)
    write = cache._file.write

    def full(view: int, start: int, features: torch.Tensor) -> str:
        if start == 8:
            raise OSError(28, "the disk is full")
        return write(view, start, features)

    monkeypatch.setattr(cache._file, "write", full)
    with pytest.raises(OSError, match="the disk is full"):
        cache.fill(batch_size=4)
    assert cache_of(tmp_path).images_missing == NUM_IMAGES - 8
    assert cache_of(tmp_path).fill(batch_size=4)


def test_filling_stops_when_asked_to_and_gives_its_claims_back(tmp_path: Path) -> None:
    cache, done = cache_of(tmp_path), []
    assert not cache.fill(batch_size=4, progress=done.append, should_stop=lambda: len(done) == 3)
    assert done == [4, 4, 4]
    assert cache.images_missing == NUM_IMAGES - 8
    assert cache_of(tmp_path).fill()
    assert cache.read(range(NUM_IMAGES), 0).shape == (NUM_IMAGES, 4, 16)


def test_an_error_gives_the_claims_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = cache_of(tmp_path)

    def failing(_: torch.Tensor) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(cache._encoder, "encode_dense", failing)
        with pytest.raises(KeyboardInterrupt) as kept:  # and with it all that the call still held
            cache.fill(num_workers=1)
    deadline = time.monotonic() + 20
    assert cache_of(tmp_path).fill(should_stop=lambda: time.monotonic() > deadline)
    assert kept.tb is not None


def test_a_batch_never_reaches_over_a_block(tmp_path: Path) -> None:
    cache, done = cache_of(tmp_path), []
    cache.fill(batch_size=5, progress=done.append)
    assert done == [5, 3, 5, 3, 4]
    with pytest.raises(ValueError, match="`batch_size` must be at least 1, got 0"):
        cache.fill(batch_size=0)


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_change_no_byte(tmp_path: Path, workers: int) -> None:
    cache = cache_of(tmp_path)
    cache.fill(batch_size=4)
    before = (cache.folder / "features.bin").read_bytes()
    assert refilled(cache, workers=workers) == before


def test_the_callers_autocast_changes_nothing(tmp_path: Path) -> None:
    cache = cache_of(tmp_path)
    with torch.autocast("cpu", torch.bfloat16):
        cache.fill()
    image, _ = cache.images.read(3, 0)
    dense, _ = random_pair().image.encode_dense(image[None])
    torch.testing.assert_close(cache.read([3], 0).float(), dense, rtol=2**-11, atol=1e-6)
