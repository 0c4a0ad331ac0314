"""Teach the region decoder where two categories are, from image-level labels alone."""

import torch
from torch.nn.functional import normalize

from trmml import AsymmetricLoss, CategoryAwareRegionDecoder
from trmml.functional import dual_matching_logits

torch.manual_seed(1)  # for the start that the decoder draws; another seed than the data has
generator = torch.Generator().manual_seed(0)
text = normalize(torch.randn(2, 32, generator=generator), dim=-1)
ground = normalize(torch.randn(1, 32, generator=generator), dim=-1)  # what is there instead
absent = ground.expand(2, -1)  # for either category


def make_images(count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Put each category into half of the images, on 6 of 49 positions of noisy ground."""
    present = torch.rand(count, 2, generator=generator) < 0.5
    where = torch.rand(count, 2, 49, generator=generator).argsort(dim=-1) < 6
    where &= present[..., None]
    noise = 0.3 * torch.randn(count, 49, 32, generator=generator)
    features = torch.einsum("bcn,cd->bnd", where.float(), 2 * text) + ground + noise
    return features, torch.where(present, 1, -1), where


def show(moment: str) -> None:
    """Print how the regions lie and how often the sign of the logit is right."""
    with torch.no_grad():
        output = decoder(unseen, query_branch=False)
    logits = dual_matching_logits(output.region_features, text, absent, temperature=0.1)
    right = (logits.sign() == unseen_labels).float().mean()
    region = output.energy.sigmoid()
    inside, outside = region[where].mean(), region[~where].mean()
    print(f"{moment}: region on objects {inside:.2f}, elsewhere {outside:.2f}, right {right:.0%}")


features, labels, _ = make_images(128)
unseen, unseen_labels, where = make_images(128)
decoder = CategoryAwareRegionDecoder(32, 2)  # random queries: nothing tells it where to look
decoder.calibrate(features)
optimizer = torch.optim.AdamW(decoder.parameters(), lr=4e-3)

show("before")
for _ in range(60):
    regions = decoder(features, query_branch=False).region_features
    loss = AsymmetricLoss()(dual_matching_logits(regions, text, absent, temperature=0.1), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
show("after")
