import hashlib
import logging
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from trmml.training import CheckpointStore, RunState


def state(step: int) -> RunState:
    tensors = {
        "weights": torch.full((3, 2), step / 3),
        "thresholds": torch.tensor([torch.nan, 0.1]),
        "stage": torch.tensor(2),
        "bytes": torch.tensor([1, 255], dtype=torch.uint8),
    }
    return RunState(tensors, {"position": [1, step], "lr": 0.1 + 0.2, "names": ["Baum", "木"]})


def assert_same(found: RunState | None, expected: RunState) -> None:
    assert found is not None
    assert found.plain == expected.plain
    assert found.tensors.keys() == expected.tensors.keys()
    for name, value in expected.tensors.items():
        torch.testing.assert_close(found.tensors[name], value, rtol=0, atol=0, equal_nan=True)


def test_the_newest_state_comes_back_and_the_one_before_is_kept(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path / "checkpoints")
    assert store.load() is None
    for step in (1, 2, 10, 3_000_000):
        store.save(state(step), step=step)
        assert_same(store.load(), state(step))
    assert [path.name[:13] for path in store.paths()] == ["step-03000000", "step-00000010"]


def test_saving_a_step_again_leaves_one_file_of_it(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    for step in (1, 2, 2):
        store.save(state(step), step=step)
    assert len(store.paths()) == 2
    assert_same(store.load(), state(2))


@pytest.mark.parametrize("damage", ["truncated", "empty", "one bit"])
def test_a_damaged_checkpoint_is_passed_over(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = CheckpointStore(tmp_path)
    store.save(state(1), step=1)
    newest = store.save(state(2), step=2)
    content = bytearray(newest.read_bytes())
    if damage == "truncated":
        content = content[:-7]
    elif damage == "empty":
        content = bytearray()
    else:
        content[-1] ^= 1
    newest.write_bytes(bytes(content))
    with caplog.at_level(logging.WARNING):
        assert_same(store.load(), state(1))
    assert newest.name in caplog.text


def test_nothing_but_damage_is_an_error_that_names_the_files(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    path = store.save(state(1), step=1)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=f"every file is damaged: {path.name}"):
        store.load()


def test_a_full_disk_leaves_the_state_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = CheckpointStore(tmp_path)
    store.save(state(1), step=1)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            store.save(state(2), step=2)
    assert len(list(tmp_path.iterdir())) == 1
    assert_same(store.load(), state(1))
    store.save(state(2), step=2)
    assert_same(store.load(), state(2))


def test_a_disk_that_forgets_is_found_out_before_the_old_state_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = CheckpointStore(tmp_path)
    for step in (1, 2):
        store.save(state(step), step=step)
    replace = Path.replace

    def forgetful(self: Path, target: Path) -> Path:
        self.write_bytes(self.read_bytes()[:-1])
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", forgetful)
    with pytest.raises(OSError, match="does not read back"):
        store.save(state(3), step=3)
    assert len(store.paths()) == 3
    assert_same(store.load(), state(2))


def test_what_a_killed_process_left_behind_is_cleared(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    (tmp_path / "step-00000001-0123456789abcdef.safetensors.partial").write_bytes(b"half")
    assert store.load() is None
    store.save(state(2), step=2)
    assert [path.suffix for path in tmp_path.iterdir()] == [".safetensors"]


@pytest.mark.parametrize("lie", ["no state in it", "a bomb", "a pipe"])
def test_a_checkpoint_that_lies_under_the_right_name_is_passed_over(
    tmp_path: Path, lie: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = CheckpointStore(tmp_path)
    store.save(state(1), step=1)
    bomb = (2**60).to_bytes(8, "little") + b"{}"
    content = save({"weights": torch.zeros(1)}) if lie == "no state in it" else bomb
    digest = hashlib.sha256(content).hexdigest()[:16]
    newest = tmp_path / f"step-00000002-{digest}.safetensors"
    if lie == "a pipe":
        os.mkfifo(newest)
    else:
        newest.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert_same(store.load(), state(1))
    assert newest.name in caplog.text
    assert "taking the one before" in caplog.text
