"""Let one branch learn from labels, and a second one, which sees no label, from the first."""

import torch

from trmml import AsymmetricLoss, RegionDistillation
from trmml.metrics import mean_average_precision

torch.manual_seed(0)
directions = torch.randn(64, 10)  # what makes an image show each category
features = torch.randn(3000, 64)
truth = torch.where(features @ directions > 8, 1, -1)
labels = torch.where(torch.rand(truth.shape) < 0.1, truth, 0)
train, test = slice(0, 1000), slice(1000, 3000)

region_branch, query_branch = torch.nn.Linear(64, 10), torch.nn.Linear(64, 10)
parameters = [*region_branch.parameters(), *query_branch.parameters()]
optimizer = torch.optim.AdamW(parameters, lr=0.01)
classification, distillation = AsymmetricLoss(), RegionDistillation()

for step in range(301):
    region_logits, query_logits = region_branch(features[train]), query_branch(features[train])
    taught = distillation(region_logits, query_logits)  # the region branch gets no gradient
    optimizer.zero_grad()
    (classification(region_logits, labels[train]) + taught).backward()
    optimizer.step()
    if step % 100 == 0:
        print(f"step {step}: the branches are {taught.item():.3f} nats apart")

for name, branch in (("region", region_branch), ("query", query_branch)):
    score = mean_average_precision(branch(features[test]).detach(), truth[test])
    print(f"{name} branch: mAP {score:.1%}")
