import torch
from open_clip.model import resize_pos_embed
from torch import nn

from trmml.encoders.positions import resize_positions


def test_its_own_grid_leaves_the_table_untouched():
    table = torch.randn(7, 4)
    assert resize_positions(table, (2, 3), (2, 3)) is table


def test_entries_in_front_are_kept():
    table = torch.randn(2 + 9, 4)
    resized = resize_positions(table, (3, 3), (5, 2))
    assert resized.shape == (2 + 10, 4)
    assert torch.equal(resized[:2], table[:2])


def test_a_constant_stays_constant():
    table = torch.full((1 + 9, 2), 3.0, dtype=torch.float64)
    torch.testing.assert_close(
        resize_positions(table, (3, 3), (7, 4)), torch.full((29, 2), 3.0, dtype=torch.float64)
    )


def test_rows_come_first():
    rows = torch.arange(4.0).repeat_interleave(4).unsqueeze(1)  # depends on the row alone
    resized = resize_positions(rows, (4, 4), (8, 4)).reshape(8, 4)
    torch.testing.assert_close(resized, resized[:, :1].expand(8, 4))
    assert (resized[1:, 0] > resized[:-1, 0]).all()


def test_it_is_what_open_clip_does_to_a_checkpoint():
    table = torch.randn(1 + 16, 6)
    model = nn.Module()
    model.visual = nn.Module()
    model.visual.grid_size = (7, 7)  # pyright: ignore[reportArgumentType]
    state = {"visual.positional_embedding": table}
    resize_pos_embed(state, model)
    torch.testing.assert_close(
        resize_positions(table, (4, 4), (7, 7)), state["visual.positional_embedding"]
    )


def test_half_precision_is_kept():
    table = torch.randn(5, 4, dtype=torch.bfloat16)
    resized = resize_positions(table, (2, 2), (3, 3))
    assert resized.dtype == torch.bfloat16
    torch.testing.assert_close(
        resized.float(), resize_positions(table.float(), (2, 2), (3, 3)), atol=0.02, rtol=0.02
    )
