"""Complete missing labels from two similarities, and see how many and how well."""

import torch

from trmml import AdaptiveThresholdPseudoLabeler

generator = torch.Generator().manual_seed(0)
labeler = AdaptiveThresholdPseudoLabeler(10, num_modalities=2)
added = right = missing = 0

for batch in range(100):
    truth = torch.where(torch.rand(64, 10, generator=generator) < 0.2, 1, -1)
    known = torch.rand(64, 10, generator=generator) < 0.1  # one label in ten
    labels = torch.where(known, truth, 0)
    # Both modalities see the truth through noise of their own.
    similarities = 0.3 * truth + 0.3 * torch.randn(2, 64, 10, generator=generator)
    labeler.update(similarities, labels)
    if batch < 10:
        continue  # the thresholds settle first
    completed = labeler(similarities, labels)
    assert completed[known].equal(labels[known])
    filled = (completed != 0) & ~known
    added += int(filled.sum())
    right += int((completed == truth)[filled].sum())
    missing += int((~known).sum())

print(f"filled {added / missing:.0%} of the missing labels, {right / added:.0%} of them right")
