import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.multiprocessing.spawn import spawn

from tests.two_processes import BLOCKS, CASES, DTYPES, block_rows, run, train
from trmml.distributed import gather_rows, mean_over_processes, world_size

pytestmark = pytest.mark.slow

Results = dict[str, list[dict[str, Tensor]]]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Run two processes once for all tests; per task, what each of them found."""
    folder = tmp_path_factory.mktemp("processes")
    spawn(run, (str(folder),), nprocs=2)

    def found(name: str) -> list[dict[str, Tensor]]:
        return [load_file(folder / f"{name} {rank}.safetensors") for rank in range(2)]

    return {name: found(name) for name in ["gather", "alone", *CASES]}


@pytest.mark.parametrize("name", CASES)
def test_two_processes_train_as_one_does(results: Results, name: str) -> None:
    expected = train(CASES[name], None)
    assert {key.split()[0] for key in expected} == {"losses", "gradient", "state"}
    for found in results[name]:
        assert found.keys() == expected.keys()
        for key, value in found.items():
            torch.testing.assert_close(
                value, expected[key], rtol=1e-5, atol=1e-9, equal_nan=True, msg=f"{key} differs"
            )


@pytest.mark.parametrize("name", CASES)
def test_processes_keep_the_same_state_to_the_bit(results: Results, name: str) -> None:
    first, second = results[name]
    for key, value in first.items():
        assert torch.equal(value.nan_to_num(7), second[key].nan_to_num(7)), key


def test_the_runs_that_are_compared_do_something(results: Results) -> None:
    found = results["uneven"][0]
    assert all(found[f"losses {step}"].gt(0).all() for step in range(6))
    assert found["state prototypes.stage"] == 2
    assert found["state prototypes.bank.counts"].eq(5).all()
    assert found["state prototypes.labeler.positive_threshold"].isfinite().all()
    assert found["state prototypes.labeler.negative_threshold"].isfinite().all()
    nothing = results["no positive on any"][0]
    assert not nothing["state prototypes.bank.counts"].any()


@pytest.mark.parametrize("blocks", BLOCKS)
def test_rows_come_in_the_order_of_the_ranks(results: Results, blocks: tuple[int, int]) -> None:
    expected = torch.cat([block_rows(rows, rank) for rank, rows in enumerate(blocks)])
    for found in results["gather"]:
        for dtype in DTYPES:
            gathered = found[f"{blocks} {dtype}"]
            assert gathered.dtype == dtype
            assert torch.equal(gathered, expected.to(dtype))
        assert torch.equal(found[f"{blocks} one axis"], expected[:, 0, 0])


@pytest.mark.parametrize("blocks", BLOCKS)
def test_a_gathered_row_sums_the_gradients_of_all_processes(
    results: Results, blocks: tuple[int, int]
) -> None:
    rows = torch.cat([block_rows(rows, rank) for rank, rows in enumerate(blocks)])
    weights = torch.arange(rows.numel()).reshape(rows.shape)
    expected = (2 * 11.0 * weights * rows).double().split(blocks)
    for found, gradient in zip(results["gather"], expected, strict=True):
        torch.testing.assert_close(found[f"{blocks} gradient"], gradient)


@pytest.mark.parametrize("blocks", BLOCKS)
def test_means_are_over_the_rows_of_all_processes(
    results: Results, blocks: tuple[int, int]
) -> None:
    total = max(sum(blocks), 1)
    for rank, found in enumerate(results["gather"]):
        mean = (blocks[0] + 2 * blocks[1]) / total
        assert found[f"{blocks} mean"].tolist() == pytest.approx([mean, mean])
        # Rank 0 went backwards from the first mean, rank 1 from the second.
        share = blocks[rank] / total
        assert found[f"{blocks} mean gradient"].tolist() == pytest.approx([share, share])


def test_an_evaluation_on_one_process_waits_for_nobody(results: Results) -> None:
    first, second = results["alone"]
    assert first["counts"].any()
    assert not second["counts"].any()


def test_one_process_gets_back_what_it_gave() -> None:
    rows = torch.randn(3, 2, requires_grad=True)
    assert world_size() == 1
    assert gather_rows(rows) is rows
    assert mean_over_processes(rows, rows=3) is rows
