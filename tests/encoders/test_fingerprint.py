import re

import torch
from torch import nn

from trmml.encoders import fingerprint


def model() -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


def test_it_is_a_sha256():
    assert re.fullmatch("[0-9a-f]{64}", fingerprint(model()))


def test_equal_weights_agree():
    assert fingerprint(model()) == fingerprint(model())


def test_the_order_of_the_parts_makes_no_difference():
    first, second = nn.Module(), nn.Module()
    for name in ("a", "b"):
        first.register_buffer(name, torch.full((2,), float(ord(name))))
    for name in ("b", "a"):
        second.register_buffer(name, torch.full((2,), float(ord(name))))
    assert fingerprint(first) == fingerprint(second)


def test_the_memory_layout_makes_no_difference():
    last = model().to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    assert fingerprint(last) == fingerprint(model())


def test_one_bit_does():
    changed = model()
    changed.state_dict()["1.running_mean"][0] += 1e-30
    assert fingerprint(changed) != fingerprint(model())


def test_a_name_does():
    assert fingerprint(nn.Sequential(model())) != fingerprint(model())


def test_a_precision_does_even_with_equal_bytes():
    zeros, other = nn.Module(), nn.Module()
    zeros.register_buffer("x", torch.zeros(4, dtype=torch.float16))
    other.register_buffer("x", torch.zeros(4, dtype=torch.bfloat16))
    assert fingerprint(zeros) != fingerprint(other)


def test_a_shape_does_even_with_equal_bytes():
    flat, square = nn.Module(), nn.Module()
    flat.register_buffer("x", torch.zeros(4))
    square.register_buffer("x", torch.zeros(2, 2))
    assert fingerprint(flat) != fingerprint(square)


def test_scalars_and_empty_tensors_count_too():
    with_scalar, with_empty = nn.Module(), nn.Module()
    with_scalar.register_buffer("x", torch.tensor(3))
    with_empty.register_buffer("x", torch.empty(0, 3))
    empty = fingerprint(nn.Module())
    assert len({fingerprint(with_scalar), fingerprint(with_empty), empty}) == 3
