import torch

from trmml.training.loop.order import calibration_rows, epoch_steps, num_steps


def test_each_epoch_sees_every_row_once_in_an_order_of_its_own() -> None:
    epochs = [epoch_steps(10, 4, seed=3, epoch=epoch) for epoch in range(3)]
    for steps in epochs:
        assert [len(rows) for rows in steps] == [4, 4, 2]
        assert torch.cat(steps).sort().values.tolist() == list(range(10))
    orders = {tuple(torch.cat(steps).tolist()) for steps in epochs}
    assert len(orders) == 3


def test_an_epoch_can_be_asked_for_alone() -> None:
    for epoch in (0, 5):
        once, again = (torch.cat(epoch_steps(50, 7, seed=1, epoch=epoch)) for _ in range(2))
        assert torch.equal(once, again)
        assert not torch.equal(once, torch.cat(epoch_steps(50, 7, seed=2, epoch=epoch)))


def test_sizes() -> None:
    assert [num_steps(images, 4) for images in (1, 4, 5, 8)] == [1, 1, 2, 2]
    assert len(calibration_rows(1000, seed=0, num_wanted=256)) == 256
    assert sorted(calibration_rows(3, seed=0, num_wanted=256).tolist()) == [0, 1, 2]
