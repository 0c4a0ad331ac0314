import threading
import time
from collections.abc import Iterator

import pytest
import torch

from trmml.models import Batch
from trmml.training.sources.read_ahead import read_ahead

PATIENCE = 30


class Batches:
    """Some batches, and which of them have been read."""

    def __init__(self, count: int = 4, *, broken: int | None = None) -> None:
        self.count, self.broken, self.read = count, broken, list[int]()
        self.changed = threading.Condition()

    def __iter__(self) -> Iterator[Batch]:
        for number in range(self.count):
            with self.changed:
                self.read.append(number)
                self.changed.notify_all()
            if number == self.broken:
                raise OSError(f"batch {number} is broken")
            rows = torch.tensor([number])
            yield Batch(torch.full((1, 2, 3), number), rows[:, None], (1, 2), rows=rows)

    def wait_for(self, number: int) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: number in self.read, PATIENCE)


def numbers(batches: Iterator[Batch]) -> list[float]:
    return [batch.inputs[0, 0, 0].item() for batch in batches]


@pytest.mark.parametrize("count", [0, 1, 4])
def test_the_same_batches_come_in_order(count: int) -> None:
    assert numbers(read_ahead(Batches(count))) == [*range(count)]


def test_the_next_is_read_while_one_is_worked_on_and_no_more() -> None:
    source = Batches()
    coming = read_ahead(source)
    first = next(coming)
    assert first.inputs[0, 0, 0] == 0
    assert source.wait_for(1)
    time.sleep(0.1)
    assert source.read == [0, 1]
    assert numbers(coming) == [1, 2, 3]


def test_an_error_is_raised_where_its_batch_is_asked_for() -> None:
    source = Batches(broken=1)
    coming = read_ahead(source)
    assert next(coming).inputs[0, 0, 0] == 0
    assert source.wait_for(1)
    with pytest.raises(OSError, match="batch 1 is broken"):
        next(coming)


def test_the_thread_ends_with_whoever_reads() -> None:
    before = threading.active_count()
    coming = read_ahead(Batches())
    next(coming)
    assert threading.active_count() == before + 1
    del coming
    assert threading.active_count() == before


def test_batches_wait_in_pinned_memory_where_a_gpu_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def pinned(tensor: torch.Tensor) -> torch.Tensor:
        return tensor + 100

    monkeypatch.setattr(torch.Tensor, "pin_memory", pinned)
    assert numbers(read_ahead(Batches(2))) == [0, 1]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    batch = next(read_ahead(Batches(2)))
    assert batch.inputs[0, 0, 0] == batch.labels[0, 0] == 100
    assert batch.rows is not None
    assert batch.rows[0] == 100
    assert batch.grid == (1, 2)
