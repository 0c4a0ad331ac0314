"""Features of photographs, encoded once: a forward pass takes a tenth of a second each on a CPU."""

import hashlib
import os
from pathlib import Path

import torch
from safetensors.torch import load_file, save

from trmml.atomic_write import write_atomically
from trmml.demo.images import ImageSet
from trmml.encoders import EncoderPair
from trmml.encoders.fingerprint import pair_fingerprints
from trmml.training import StoredFeatures, encode_images

BATCH = 50


def cache_folder() -> Path:
    """Return where the system keeps what can be made again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trmml-benchmarks"


def kept_features(encoders: EncoderPair, images: ImageSet, folder: Path) -> StoredFeatures:
    """Return features from a file in a folder, or encode and keep them there.

    A file belongs to the towers' weights and to the pixels of all images in their order. The first
    image is encoded again, so that a file which older code of the towers made is not taken.

    Args:
        encoders: Towers on the CPU.
        images: At least one.
        folder: Made where it is absent.
    """
    digest = hashlib.sha256(repr(sorted(pair_fingerprints(encoders).items())).encode())
    for batch in images.batches(BATCH):
        digest.update(repr(tuple(batch.shape)).encode() + batch.contiguous().numpy().tobytes())
    path = folder / f"{digest.hexdigest()[:16]}.safetensors"
    first = encode_images(encoders.image, [images.read(0)[None]])
    if path.is_file():
        kept = load_file(path)
        same = kept["dense"][:1], kept["pooled"][:1]
        if all(map(close, same, (first.dense, first.pooled))):
            return StoredFeatures(kept["dense"], kept["pooled"], first.grid)
    encoded = encode_images(encoders.image, images.batches(BATCH))
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(path, save({"dense": encoded.dense, "pooled": encoded.pooled}))
    return encoded


def close(kept: torch.Tensor, fresh: torch.Tensor) -> bool:
    """Say whether two tensors are the same up to rounding."""
    return kept.shape == fresh.shape and torch.allclose(kept, fresh, rtol=1e-3, atol=1e-5)
