import torch
from torch import Tensor, nn

from trmml.encoders.frozen import FrozenModule


class Tower(FrozenModule):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(0.5))
        self.freeze()

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def test_no_parameter_learns():
    assert not any(p.requires_grad for p in Tower().parameters())


def test_a_parent_in_training_does_not_reach_it():
    tower = Tower()
    parent = nn.Sequential(nn.Dropout(), tower).train()
    assert parent[0].training
    assert not any(module.training for module in tower.modules())
    before = {name: tensor.clone() for name, tensor in tower.state_dict().items()}
    tower(torch.randn(8, 3))
    for name, tensor in tower.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_train_and_eval_return_the_module():
    tower = Tower()
    assert tower.train() is tower
    assert tower.eval() is tower
    assert not tower.training


def test_it_moves_like_any_module():
    assert all(p.dtype == torch.float64 for p in Tower().double().parameters())
