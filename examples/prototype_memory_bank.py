"""Fill a memory bank from known positives and ask it which new regions look familiar."""

import torch

from trmml import PrototypeMemoryBank

generator = torch.Generator().manual_seed(0)
directions = torch.randn(3, 16, generator=generator)  # what each of three categories looks like
bank = PrototypeMemoryBank(3, 16, capacity=8, top_k=2)

for _ in range(5):  # batches of 4 images with 25 positions; the category is at the strongest ones
    present = torch.rand(4, 3, generator=generator) < 0.5
    energy = torch.randn(4, 3, 25, generator=generator)
    strength = energy.sigmoid() * present[..., None]
    features = torch.einsum("bcn,cd->bnd", strength, directions)
    features += 0.5 * torch.randn(4, 25, 16, generator=generator)
    known = torch.rand(4, 3, generator=generator) < 0.5  # half of the labels are missing
    bank.update(features, energy, torch.where(known, present.int() * 2 - 1, 0))

print("prototypes per category:", bank.counts.tolist())

familiar = directions + 0.5 * torch.randn(3, 16, generator=generator)
strange = torch.randn(3, 16, generator=generator)
for name, region_features in (("familiar", familiar), ("strange", strange)):
    print(
        f"{name:>8} regions:",
        [round(s, 2) for s in bank.similarity(region_features[None])[0].tolist()],
    )
