"""A memory bank as it is late in training."""

import torch

from trmml.models import TRMML


def fill_bank(model: TRMML, generator: torch.Generator) -> None:
    """Fill every slot of a model's bank with noise; nothing where it has none."""
    if model.prototypes is not None:
        bank = model.prototypes.bank
        bank.prototypes.copy_(torch.randn(bank.prototypes.shape, generator=generator))
        bank.counts.fill_(bank.capacity)
