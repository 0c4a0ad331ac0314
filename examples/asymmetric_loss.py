"""Train on one label in ten: unknown labels left out, or taken for negatives as is often done."""

import torch

from trmml import AsymmetricLoss
from trmml.metrics import mean_average_precision

torch.manual_seed(0)
directions = torch.randn(64, 10)  # what makes an image show each category
features = torch.randn(3000, 64)
truth = torch.where(features @ directions > 8, 1, -1)  # one label in six is positive
known = torch.rand(truth.shape) < 0.1
train, test = slice(0, 1000), slice(1000, 3000)

criterion = AsymmetricLoss(gamma_pos=1, gamma_neg=2, margin=0.05)
for name, missing in (("left out", 0), ("taken for negative", -1)):
    labels = torch.where(known, truth, missing)
    classifier = torch.nn.Linear(64, 10)
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=0.01)
    for _ in range(300):
        loss = criterion(classifier(features[train]), labels[train])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scores = classifier(features[test]).detach()
    ranking = mean_average_precision(scores, truth[test])
    found = (scores > 0)[truth[test] == 1].float().mean()
    print(f"unknown labels {name:>18}: mAP {ranking:.1%}, {found:.1%} of the positives found")
