"""Compute what a cache misses, block by block, beside any number of processes that do the same."""

import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import torch
from jaxtyping import Float16, Shaped
from torch import Tensor, nn
from torch.utils.data import DataLoader

from trmml.data import ImageTable
from trmml.data.late_normalisation import without_normalisation
from trmml.encoders.protocol import ImageEncoder
from trmml.functional.full_precision import full_precision
from trmml.training.feature_cache.blocks import Block, Blocks
from trmml.training.feature_cache.feature_file import FeatureFile
from trmml.training.sources.seeded_images import SeededImages

__all__ = ["fill_blocks", "probe"]

POLL_SECONDS = 0.2
"""How often a process that waits for others' blocks looks again."""


@torch.no_grad()
def probe(encoder: ImageEncoder, images: SeededImages) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the height and width of the transform's images and of the tower's grid."""
    image, _ = images.read(0, 0)
    _, grid = encoder.encode_dense(torch.zeros_like(image, device=_device_of(encoder))[None])
    return (image.shape[-2], image.shape[-1]), grid


def fill_blocks(
    encoder: ImageEncoder,
    images: SeededImages,
    resolution: tuple[int, int],
    blocks: Blocks,
    file: FeatureFile,
    *,
    num_workers: int,
    batch_size: int,
) -> Generator[int, None, None]:
    """Compute every block that nobody else does, and wait for those that others compute.

    Yields:
        How many images were done since the last time, here or elsewhere, perhaps none. Whoever
        closes the iterator keeps the blocks that are encoded.
    """
    table, finish = without_normalisation(images.table)
    draws = SeededImages(table, seed=images.seed)
    encode = partial(_encode, encoder, finish, resolution)
    write = partial(_write, blocks, file, table)
    missing = blocks.missing()
    while missing:
        claimed: list[Block] = []
        loader = DataLoader(
            draws,
            batch_sampler=_claimed_batches(blocks, missing, batch_size, claimed),  # pyright: ignore[reportArgumentType] - any iterable of batches
            num_workers=num_workers,
            pin_memory=torch.cuda.is_available(),
            generator=torch.Generator(),  # loaders draw a seed, which is nobody's here
        )
        try:
            yield from _encode_and_write(loader, claimed, encode, write)
        finally:
            blocks.release()
        still_missing = blocks.missing()
        yield sum(len(block) for block in {*missing} - {*still_missing} - {*claimed})
        missing = still_missing
        if missing and not claimed:
            time.sleep(POLL_SECONDS)


def _claimed_batches(
    blocks: Blocks, wanted: list[Block], batch_size: int, claimed: list[Block]
) -> Iterator[list[tuple[int, int]]]:
    """Yield row and view of the images of each batch; a block is claimed before its first one."""
    for block in filter(blocks.claim, wanted):
        claimed.append(block)
        for start in range(block.start, block.stop, batch_size):
            stop = min(start + batch_size, block.stop)
            yield [(row, block.view) for row in range(start, stop)]


def _encode_and_write(
    loader: DataLoader[tuple[Tensor, Tensor, int]],
    claimed: list[Block],
    encode: Callable[[Tensor], Tensor],
    write: Callable[[Block, list[Tensor], list[int]], None],
) -> Iterator[int]:
    """Yield the size of each batch; a block is written while the next one is encoded."""
    writing: Future[None] | None = None
    parts: list[Tensor] = []
    sources: list[int] = []
    written = 0
    with ThreadPoolExecutor(1) as writer:
        for pixels, _, rows in loader:
            parts.append(encode(pixels))
            sources += rows.tolist()
            block = claimed[written]
            if len(sources) == len(block):
                if writing is not None:
                    writing.result()  # so that no more than two blocks are in memory
                writing = writer.submit(write, block, parts, sources)
                parts, sources, written = [], [], written + 1
            yield len(rows)
        if writing is not None:
            writing.result()


def _encode(
    encoder: ImageEncoder,
    finish: Callable[[Tensor], Tensor] | None,
    resolution: tuple[int, int],
    pixels: Shaped[Tensor, "batch 3 height width"],
) -> Float16[Tensor, "batch positions dim"]:
    """Return features, which may still be on their way."""
    if tuple(pixels.shape[-2:]) != resolution:
        raise ValueError(
            "`images` must have a transform to tensors of one size, got "
            f"{tuple(pixels.shape[-2:])} after {resolution} for the first; resize or crop them."
        )
    device = _device_of(encoder)
    sent = pixels.to(device, non_blocking=True)
    # The tower's own precision is in the card, the caller's is not.
    with torch.no_grad(), full_precision(device):
        dense, _ = encoder.encode_dense(sent if finish is None else finish(sent))
        return dense.half()


def _write(
    blocks: Blocks,
    file: FeatureFile,
    table: ImageTable,
    block: Block,
    parts: list[Tensor],
    sources: list[int],
) -> None:
    # Here, and not before, a GPU is waited for.
    features = torch.cat([part.cpu() for part in parts])
    finite = features.isfinite().flatten(1).all(dim=1)
    if not bool(finite.all()):
        name = table.names[sources[int((~finite).nonzero()[0])]]
        raise FloatingPointError(
            f"Features must fit half precision (at most {torch.finfo(torch.half).max:.0f}), got "
            f"larger ones or nan for {table.root / name}; look at this image, or train without a "
            "cache."
        )
    sha256 = file.write(block.view, block.start, features)
    blocks.finish(block, sha256=sha256, sources=sources)


def _device_of(encoder: ImageEncoder) -> torch.device:
    """Return the device of a tower's weights; the CPU for one without."""
    found = encoder.parameters() if isinstance(encoder, nn.Module) else iter(())
    return next((parameter.device for parameter in found), torch.device("cpu"))
