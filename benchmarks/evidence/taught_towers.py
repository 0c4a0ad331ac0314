"""The tiny towers, taught further by captions of photographs that nothing else is learnt from."""

import hashlib
from collections.abc import Sequence
from typing import Final, cast

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save
from torch import Tensor, nn

from benchmarks.kept_features import cache_folder
from examples.pretraining.contrast import contrast
from trmml.atomic_write import write_atomically
from trmml.demo.images import ImageSet
from trmml.encoders import EncoderPair, load_tiny
from trmml.encoders.image_tower import ImageTower
from trmml.labels import POSITIVE

SIDE: Final = 128
SHOWN: Final = SIDE - 16  # side of the part of a photograph that a step looks at
NATIVE: Final = 96  # side that the tower's own pooling is made for
EPOCHS: Final = 30
BATCH: Final = 64
RATE: Final = 5e-4
TEMPERATURE: Final = 0.07
OPENINGS: Final = ("a photo of", "a picture of", "there is", "")


def taught_tiny(images: ImageSet, names: Sequence[str]) -> EncoderPair:
    """Teach the tiny pair what photographs show, by captions made from all their labels.

    As CLIP is taught, other captions that are true not held against an image. What was taught is
    kept in the system's folder of what can be made again.

    Args:
        images: Photographs of `SIDE` pixels.
        names: Of the classes of their labels.
    """
    pair = load_tiny(image_size=SIDE)
    towers = nn.ModuleList([cast(nn.Module, pair.image), cast(nn.Module, pair.text)])
    recipe = repr(
        (SIDE, NATIVE, EPOCHS, BATCH, RATE, TEMPERATURE, OPENINGS, images.names, list(names))
    )
    digest = hashlib.sha256(recipe.encode()).hexdigest()[:16]
    path = cache_folder() / f"taught-{digest}.safetensors"
    if path.is_file():
        towers.load_state_dict(load_file(path))
        return pair
    towers.requires_grad_(True)
    teach(pair, towers, images, names)
    towers.requires_grad_(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {name: value.contiguous() for name, value in towers.state_dict().items()}
    write_atomically(path, save(state))
    return pair


def teach(pair: EncoderPair, towers: nn.Module, images: ImageSet, names: Sequence[str]) -> None:
    """Contrast photographs and captions."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.cat([*images.batches(BATCH)])
    optimizer = torch.optim.AdamW(towers.parameters(), lr=RATE, weight_decay=0.05)
    steps = EPOCHS * (len(pixels) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    truth = (images.labels == POSITIVE).float()
    for _ in range(EPOCHS):
        order = torch.randperm(len(pixels), generator=generator)
        for rows in order.split(BATCH)[: len(pixels) // BATCH]:
            captions = [caption(labels, names, generator) for labels in truth[rows].bool()]
            image = cast(ImageTower, pair.image).visual(shown(pair, pixels[rows], generator))
            tokens = pair.text.pad(pair.text.tokenize(captions))
            text = pair.text(pair.text.embed_tokens(tokens), tokens)
            scores = F.normalize(image, dim=-1) @ F.normalize(text, dim=-1).T / TEMPERATURE
            loss = contrast(scores, truth[rows], truth[rows])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(towers.parameters(), 1.0)
            optimizer.step()
            schedule.step()


def caption(there: Tensor, names: Sequence[str], generator: torch.Generator) -> str:
    """Say what is there, in any order, in one of several ways."""
    classes = there.nonzero().flatten()
    classes = classes[torch.randperm(len(classes), generator=generator)]
    opening = OPENINGS[int(torch.randint(len(OPENINGS), (), generator=generator))]
    return f"{opening} {' and '.join(names[int(index)] for index in classes)}".strip()


def shown(pair: EncoderPair, pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Cut out a part, mirror half of them, and normalise."""
    top, left = torch.randint(SIDE - SHOWN + 1, (2,), generator=generator).tolist()
    part = pixels[..., top : top + SHOWN, left : left + SHOWN].float() / 255
    mirrored = torch.rand(len(part), 1, 1, 1, generator=generator) < 0.5
    part = torch.where(mirrored, part.flip(-1), part)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (pair.image.mean, pair.image.std))
    return F.interpolate((part - mean) / std, size=(NATIVE, NATIVE), mode="bilinear")
