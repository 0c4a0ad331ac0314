import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor

from trmml.stored_files import tensor_content
from trmml.stored_files.tensor_content import KINDS


def joined(tensors: dict[str, Tensor], metadata: dict[str, str]) -> bytes:
    return b"".join(tensor_content(tensors, metadata))


def every_kind() -> dict[str, Tensor]:
    numbers = torch.tensor([[0.0, 1.0, 3.0], [7.0, 2.0, 1.0]])
    return {
        f"{kind} {turn}": numbers.to(kind, copy=True) for turn in "ba" for kind in reversed(KINDS)
    }


@pytest.mark.parametrize(
    "tensors",
    [
        {},
        {"scalar": torch.tensor(2), "none": torch.zeros(0, 3), "one": torch.ones(1, 1)},
        {'Baum "木"\\\n\x07': torch.tensor([torch.nan, -torch.inf, -0.0])},
        every_kind(),
    ],
    ids=["nothing", "small", "names", "every kind"],
)
@pytest.mark.parametrize("metadata", [{}, {"trmml": '{"names": ["木", "\\u0000"], "lr": NaN}\t'}])
def test_the_bytes_are_those_of_the_library(
    tensors: dict[str, Tensor], metadata: dict[str, str]
) -> None:
    assert joined(tensors, metadata) == save(tensors, metadata or None)


def test_parts_of_other_tensors_are_written_by_themselves() -> None:
    whole = torch.arange(12.0).reshape(3, 4).requires_grad_()
    parts = {"columns": whole[:, 1:3], "turned": whole.T, "again": whole}
    for name, value in load(joined(parts, {})).items():
        assert torch.equal(value, parts[name]), name


def test_only_one_tensor_is_turned_into_bytes_at_a_time() -> None:
    tensors = {"a": torch.zeros(2), "b": torch.zeros(2)}
    pieces = tensor_content(tensors, {})
    next(pieces)
    next(pieces)
    tensors["b"].fill_(1)
    assert bytes(next(pieces)) == tensors["b"].numpy().tobytes()


def test_a_kind_that_the_format_has_not_is_refused_by_name() -> None:
    tensors = {"fine": torch.zeros(1), "wide": torch.zeros(1, dtype=torch.complex128)}
    with pytest.raises(ValueError, match=r"got torch.complex128 in 'wide'; convert it"):
        joined(tensors, {})
