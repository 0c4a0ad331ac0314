"""Compute what a cache misses, block by block, beside any number of processes that do the same."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Float16
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from trmml.data.late_normalisation import without_normalisation
from trmml.encoders.protocol import ImageEncoder
from trmml.functional.full_precision import full_precision
from trmml.training.feature_cache.blocks import Block, Blocks
from trmml.training.feature_cache.feature_file import FeatureFile
from trmml.training.sources.seeded_images import SeededImages

__all__ = ["fill_blocks", "probe"]

POLL_SECONDS = 0.2
"""How often a process that waits for others' blocks looks again."""

Item = tuple[int, int]  # row, view


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
    progress: Callable[[int], None],
    should_stop: Callable[[], bool],
) -> bool:
    """Compute every block that nobody else does, and wait for those that others compute.

    Returns:
        Whether all blocks are done; else `should_stop` said so.
    """
    pixels, finish = without_normalisation(images.table)
    draws = _Draws(SeededImages(pixels, seed=images.seed), resolution)
    missing = {*range(len(blocks))} - blocks.done()
    while missing:
        own: set[int] = set()
        work = _Work(blocks, [blocks[number] for number in sorted(missing)], batch_size)
        try:
            # The tower's own precision is in the card, the caller's is not.
            with full_precision(_device_of(encoder)), ThreadPoolExecutor(1) as writer:
                encoded = _encoded(encoder, draws, finish, work, num_workers, progress, should_stop)
                for block in _written(encoded, writer, blocks, file):
                    work.release(block)
                    own.add(block.number)
        finally:
            work.release_all()
        still_missing = missing - blocks.done()
        elsewhere = missing - still_missing - own
        if elsewhere:
            progress(sum(len(blocks[number]) for number in elsewhere))
        missing = still_missing
        if should_stop():
            break
        if missing and not own:
            time.sleep(POLL_SECONDS)
    return not missing


class _Work:
    """Batches of the blocks to compute, each block claimed when its first batch is asked for."""

    def __init__(self, blocks: Blocks, wanted: list[Block], batch_size: int) -> None:
        self.blocks, self.wanted, self.batch_size = blocks, wanted, batch_size
        self.claimed: deque[Block] = deque()
        self._locks: dict[int, Any] = {}

    def __iter__(self) -> Iterator[list[Item]]:
        for block in self.wanted:
            lock = self.blocks.claim(block)
            if lock is None:
                continue
            self._locks[block.number] = lock
            self.claimed.append(block)
            for start in range(block.start, block.stop, self.batch_size):
                stop = min(start + self.batch_size, block.stop)
                yield [(row, block.view) for row in range(start, stop)]

    def release(self, block: Block) -> None:
        self._locks.pop(block.number).release()

    def release_all(self) -> None:
        for number in [*self._locks]:
            self._locks.pop(number).release()


def _written(
    encoded: Iterator["_Encoded"], writer: Executor, blocks: Blocks, file: FeatureFile
) -> Iterator[Block]:
    """Yield each block once the disk has it: written while the next one is encoded."""
    waiting: Future[Block] | None = None
    for found in encoded:
        if waiting is not None:
            yield waiting.result()  # so that no more than two are in memory
        waiting = writer.submit(_write, found, blocks, file)
    if waiting is not None:
        yield waiting.result()


def _write(found: "_Encoded", blocks: Blocks, file: FeatureFile) -> Block:
    block = found.block
    features = torch.cat([_on_the_host(*part) for part in found.parts])
    sha256 = file.write(block.view, block.start, features)
    blocks.finish(block, sha256=sha256, sources=found.sources)
    return block


def _encoded(
    encoder: ImageEncoder,
    draws: "_Draws",
    finish: Callable[[Tensor], Tensor] | None,
    work: _Work,
    num_workers: int,
    progress: Callable[[int], None],
    should_stop: Callable[[], bool],
) -> Iterator["_Encoded"]:
    """Yield each claimed block with its features, which may still be on their way."""
    loader = DataLoader(
        draws,
        batch_sampler=work,  # pyright: ignore[reportArgumentType] - any iterable of batches
        num_workers=num_workers,
        collate_fn=_stack,
        pin_memory=torch.cuda.is_available(),
        generator=torch.Generator(),  # loaders draw a seed, which is nobody's here
    )
    parts: list[_Part] = []
    sources: list[int] = []
    table = draws.images.table
    for pixels, rows in loader:
        block = work.claimed[0]
        paths = [table.root / table.names[row] for row in rows]
        sent = pixels.to(_device_of(encoder), non_blocking=True)
        with torch.no_grad():
            dense, _ = encoder.encode_dense(sent if finish is None else finish(sent))
            parts.append(_Part(dense.half(), dense.abs().flatten(1).amax(dim=1), paths))
        sources += rows
        progress(len(rows))
        if len(sources) == len(block):
            yield _Encoded(work.claimed.popleft(), parts, sources)
            parts, sources = [], []
        if should_stop():
            return


def _on_the_host(
    half: Float16[Tensor, "batch positions dim"],
    largest: Float[Tensor, " batch"],
    paths: list[Path],
) -> Float16[Tensor, "batch positions dim"]:
    """Bring features to where the disk is; here, and not before, a GPU is waited for."""
    half = half.cpu()
    finite = half.isfinite().flatten(1).all(dim=1)
    if not bool(finite.all()):
        place = int((~finite).nonzero()[0])
        raise FloatingPointError(
            f"Features must fit half precision (at most {torch.finfo(torch.half).max:.0f}), got up "
            f"to {largest[place]:.0f} for {paths[place]}; look at this image, or train without a "
            "cache."
        )
    return half


def _device_of(encoder: ImageEncoder) -> torch.device:
    """Return the device of a tower's weights; the CPU for one without."""
    found = encoder.parameters() if isinstance(encoder, nn.Module) else iter(())
    return next((parameter.device for parameter in found), torch.device("cpu"))


class _Encoded(NamedTuple):
    """A block's features, batch by batch, and the rows that its images came from."""

    block: Block
    parts: list["_Part"]
    sources: list[int]


class _Part(NamedTuple):
    """A batch's features, how large they were before they were halved, and its images' files."""

    half: Float16[Tensor, "batch positions dim"]
    largest: Float[Tensor, " batch"]
    paths: list[Path]


class _Draws(Dataset[tuple[Tensor, int]]):
    """Images by row and view, each with the row that it came from."""

    def __init__(self, images: SeededImages, resolution: tuple[int, int]) -> None:
        self.images, self.resolution = images, resolution

    def __getitem__(self, item: Item) -> tuple[Tensor, int]:
        image, source = self.images.read(*item)
        if tuple(image.shape[-2:]) != self.resolution:
            raise ValueError(
                "`images` must have a transform to tensors of one size, got "
                f"{tuple(image.shape[-2:])} for {self.images.table.names[source]} and "
                f"{self.resolution} for the first; resize or crop them."
            )
        return image, source


def _stack(items: list[tuple[Tensor, int]]) -> tuple[Tensor, list[int]]:
    return torch.stack([image for image, _ in items]), [source for _, source in items]
