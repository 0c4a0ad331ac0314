"""Learn prompts for thirty categories from a few labelled pictures, with a frozen text tower."""

import torch

from trmml import AsymmetricLoss, DualPromptLearner
from trmml.encoders import load_tiny
from trmml.functional import dual_matching_logits
from trmml.metrics import mean_average_precision
from trmml.world import make_scenes

encoders = load_tiny()
scenes = make_scenes(128, seed=0, regime="pretraining")
pixels = torch.from_numpy(scenes.images) / 255
mean, std = torch.tensor(encoders.image.mean), torch.tensor(encoders.image.std)
pooled = encoders.image((pixels - mean[:, None, None]) / std[:, None, None]).pooled
labels = torch.from_numpy(scenes.labels).int()
seen, unseen = slice(0, 64), slice(64, 128)

prompts = DualPromptLearner(encoders.text, scenes.class_names, context_length=4)
optimizer = torch.optim.AdamW(prompts.parameters(), lr=5e-3)


def score(rows: slice) -> torch.Tensor:
    """Compare pictures, as a whole, with both prompts of every category."""
    features = pooled[rows, None].expand(-1, len(scenes.class_names), -1)
    return dual_matching_logits(features, *prompts(), temperature=0.05)


for step in range(41):
    loss = AsymmetricLoss()(score(seen), labels[seen])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        precision = mean_average_precision(score(unseen).detach(), labels[unseen])
        print(f"step {step}: loss {loss.item():.2f}, mAP on pictures not seen {precision:.1%}")
