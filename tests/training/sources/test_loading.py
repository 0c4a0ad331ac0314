import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from trmml.training import loader_options
from trmml.training.sources import loading


@pytest.fixture
def sixteen_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "_usable_cores", lambda: 16)


@pytest.mark.usefixtures("sixteen_cores")
@pytest.mark.parametrize(
    ("given", "workers"),
    [
        ({}, 15),
        ({"num_processes": 4}, 3),
        ({"num_processes": 16}, 0),
        ({"num_processes": 32}, 0),
        ({"num_images": 9}, 3),
        ({"num_workers": 20}, 20),
        ({"num_workers": 0}, 0),
    ],
)
def test_the_cores_that_do_not_train_decode(given: dict[str, int], workers: int):
    options = loader_options(**{"num_images": 1000, "batch_size": 4, **given})
    assert options["num_workers"] == workers
    assert ("persistent_workers" in options) == (workers > 0)


def test_no_more_than_sixteen(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(loading, "_usable_cores", lambda: 128)
    assert loader_options(num_images=1000, batch_size=4)["num_workers"] == 16


@pytest.mark.usefixtures("sixteen_cores")
@pytest.mark.parametrize(("processes", "workers"), [(None, 15), ("4", 3), ("16", 0), ("32", 0)])
def test_the_launcher_says_with_how_many_the_cores_are_shared(
    monkeypatch: pytest.MonkeyPatch, processes: str | None, workers: int
):
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    if processes is not None:
        monkeypatch.setenv("LOCAL_WORLD_SIZE", processes)
    assert loading.free_workers() == workers


@pytest.mark.parametrize("gpu", [True, False])
def test_memory_is_pinned_for_a_gpu_alone(monkeypatch: pytest.MonkeyPatch, gpu: bool):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    assert loader_options(num_images=8, batch_size=4)["pin_memory"] is gpu


@pytest.mark.parametrize("workers", [0, 1])
def test_a_loader_takes_the_options(workers: int):
    data = TensorDataset(torch.arange(6))
    options = loader_options(num_images=6, batch_size=2, num_workers=workers)
    batches = [batch[0].tolist() for batch in DataLoader(data, batch_size=2, **options)]
    assert batches == [[0, 1], [2, 3], [4, 5]]


@pytest.mark.parametrize("name", ["num_images", "batch_size", "num_processes"])
def test_empty_sizes_are_refused(name: str):
    with pytest.raises(ValueError, match=f"`{name}` must be at least 1, got 0"):
        loader_options(**{"num_images": 4, "batch_size": 2, name: 0})


def test_fewer_than_no_workers_are_refused():
    with pytest.raises(ValueError, match="`num_workers` must be at least 0 or None, got -1"):
        loader_options(num_images=4, batch_size=2, num_workers=-1)
