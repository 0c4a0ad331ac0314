"""Train the parts of TRM-ML in a plain PyTorch loop, put together by hand."""

import os

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from trmml import (
    AdaptiveThresholdPseudoLabeler,
    AsymmetricLoss,
    CategoryAwareRegionDecoder,
    DualPromptLearner,
    MultimodalInfoNCE,
    PrototypeMemoryBank,
    RegionDistillation,
)
from trmml.data import hide_labels
from trmml.encoders import load_tiny
from trmml.functional import dual_matching_logits, text_similarity
from trmml.metrics import mean_average_precision
from trmml.models import zero_shot_text_features
from trmml.training import StoredFeatures, encode_images
from trmml.world import Scenes, make_world

fast = os.environ.get("TRMML_FAST", "0") != "0"
num_train, num_test, epochs = (96, 64, 4) if fast else (640, 200, 12)
world = make_world(seed=0, num_train=num_train, num_validation=0, num_test=num_test)
names, encoders = world.train.class_names, load_tiny()


def encode(scenes: Scenes) -> StoredFeatures:
    """Run the frozen image tower once over all scenes."""
    return encode_images(encoders.image, torch.from_numpy(scenes.images).split(32))


train, test = encode(world.train), encode(world.test)
labels = hide_labels(torch.from_numpy(world.train.labels).int(), keep=0.3, seed=0)
order = torch.Generator().manual_seed(0)
batches = DataLoader(TensorDataset(train.dense, labels), 32, shuffle=True, generator=order)

torch.manual_seed(0)  # for the start of what learns
dim, num_classes, lr = encoders.image.dim, len(names), 4e-3
prompts = DualPromptLearner(encoders.text, names)
queries = zero_shot_text_features(encoders.text, names)
decoder = CategoryAwareRegionDecoder(dim, num_classes, queries=queries)
decoder.calibrate(train.dense)
log_temperature = nn.Parameter(torch.tensor(0.02).log())
bank, labeler = PrototypeMemoryBank(num_classes, dim), AdaptiveThresholdPseudoLabeler(num_classes)
classify = AsymmetricLoss(gamma_pos=1, gamma_neg=2, margin=0.05)
distil, contrast = RegionDistillation(), MultimodalInfoNCE(dim)

quick = [*prompts.parameters(), *contrast.parameters(), log_temperature]
slow = [*decoder.parameters()]  # regions start well, from CLIP's own match
groups = [{"params": quick, "lr": lr}, {"params": slow, "lr": 0.4 * lr}]
optimizer = torch.optim.AdamW(groups, weight_decay=5e-3)


def match(features: torch.Tensor, text: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Score a feature of each image and category by the category's two prompts."""
    return dual_matching_logits(features, *text, temperature=log_temperature.exp())


def similarities(regions: torch.Tensor, prototypes: torch.Tensor) -> torch.Tensor:
    """Compare regions with what is known of their categories: from images, and from text."""
    return torch.stack([bank.similarity(regions), text_similarity(regions, prototypes)])


kept_text = None
for epoch in range(epochs):
    if epoch == epochs // 4:  # the second stage: from now on, missing labels are completed
        kept_text = prompts()[0].detach()
    total = 0.0
    for features, known in batches:
        text = prompts()
        energy, regions, attended = decoder(features)
        assert attended is not None  # nobody said `query_branch=False`

        prototypes = text[0] if kept_text is None else kept_text
        labeler.update(similarities(regions, prototypes), known)
        bank.update(features, energy, known)
        second = kept_text is not None
        completed = labeler(similarities(regions, prototypes), known) if second else known

        logits, query_logits = match(regions, text), match(attended, text)
        loss = classify(query_logits, completed) + classify(logits, completed)
        loss += 0.05 * distil(logits, query_logits)
        loss += 0.01 * contrast(regions, text[0], known, *bank.stored())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_([*quick, *slow], 1.0)
        optimizer.step()
        total += loss.item()
    print(f"epoch {epoch}: mean loss {total / len(batches):.4f}")

with torch.no_grad():
    scores = match(decoder(test.dense, query_branch=False).region_features, prompts())
precision = mean_average_precision(scores, torch.from_numpy(world.test.labels).int())
print(f"mAP on test scenes: {precision:.2%}")
