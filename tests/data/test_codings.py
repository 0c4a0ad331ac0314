import numpy as np
import pytest
import torch

from trmml.data import CODINGS, from_signed, to_signed


@pytest.mark.parametrize(
    ("coding", "there", "here"),
    [
        ("signed", [[1, -1, 0]], [[1, -1, 0]]),
        ("zero_one", [[1, 0, 0]], [[1, -1, -1]]),
        ("unknown_minus_one", [[1, 0, -1]], [[1, -1, 0]]),
        ("observed", [[1, 0, 0]], [[1, 0, 0]]),
    ],
)
@pytest.mark.parametrize("kind", [np.array, torch.tensor])
def test_both_ways(coding, there, here, kind):
    given = kind(there)
    converted = to_signed(given, coding=coding)
    assert type(converted) is type(given)
    assert converted.dtype == given.dtype
    assert converted.tolist() == here
    assert from_signed(kind(here), coding=coding).tolist() == there
    assert given.tolist() == there


def test_every_coding_is_covered_by_the_table_above():
    assert set(CODINGS) == {"signed", "zero_one", "unknown_minus_one", "observed"}


@pytest.mark.parametrize(
    "given", [np.array([[True, False]]), np.array([[1, 0]], dtype=np.uint8)], ids=str
)
def test_unsigned_becomes_int8(given):
    assert to_signed(given, coding="zero_one").tolist() == [[1, -1]]
    assert to_signed(given, coding="zero_one").dtype == np.int8
    assert to_signed(torch.from_numpy(given), coding="zero_one").tolist() == [[1, -1]]
    assert to_signed(torch.from_numpy(given), coding="zero_one").dtype == torch.int8


def test_values_outside_the_coding_are_named(no_shape_checks):
    with pytest.raises(ValueError, match=r'must hold only 0, 1 \(coding "zero_one"\), got also -1'):
        to_signed(np.array([[1, -1]]), coding="zero_one")
    with pytest.raises(ValueError, match=r"only -1, 1 .*can express\), got also 0"):
        from_signed(torch.tensor([[1, 0]]), coding="zero_one")
    with pytest.raises(ValueError, match="got also -1"):
        from_signed(torch.tensor([[1, -1]]), coding="observed")
    with pytest.raises(ValueError, match="got 5 at row 0, class 1"):
        from_signed(torch.tensor([[1, 5]]), coding="signed")
    with pytest.raises(ValueError, match="`coding` must be one of 'signed', 'zero_one'"):
        to_signed(np.zeros((1, 1)), coding="hcp")  # type: ignore[arg-type]
