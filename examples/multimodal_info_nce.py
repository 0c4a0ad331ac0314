"""Bring regions to their category's text, where both encoders have never met."""

import torch

from trmml import MultimodalInfoNCE
from trmml.functional import unit_vectors

torch.manual_seed(0)
texts = torch.randn(8, 32)
looks = torch.randn(8, 32)  # unrelated to the texts: the gap to be closed


def regions(batch: int) -> torch.Tensor:
    """Draw regions of all eight categories, one of each per image."""
    return looks + 2 * torch.randn(batch, 8, 32)


def accuracy(adapter: torch.nn.Module) -> float:
    """Return how many regions of new images are nearest to the text of their own category."""
    similarities = unit_vectors(adapter(regions(100))) @ unit_vectors(texts).T
    return (similarities.argmax(dim=-1) == torch.arange(8)).float().mean().item()


adapter = torch.nn.Linear(32, 32)  # yours; `projection=True` brings two MLPs of its own instead
criterion = MultimodalInfoNCE(32, projection=False)
optimizer = torch.optim.AdamW(adapter.parameters(), lr=0.01)
print(f"before: {accuracy(adapter):.0%} of the regions are nearest to their own text")
for _ in range(200):
    labels = torch.randint(-1, 2, (16, 8))  # only positives are contrasted
    loss = criterion(adapter(regions(16)), texts, labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f" after: {accuracy(adapter):.0%}")
