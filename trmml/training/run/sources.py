"""What a run reads: images from their files, or their features from a cache on disk."""

import logging
from collections.abc import Callable
from signal import SIGINT
from typing import NamedTuple

from trmml.data import ImageTable
from trmml.encoders.protocol import EncoderPair
from trmml.training.config.run_config import CacheConfig
from trmml.training.feature_cache.cache import FeatureCache
from trmml.training.feature_cache.cached_source import CachedSource
from trmml.training.run.data import RunData
from trmml.training.run.interruption import StopRequest, TrainingStopped
from trmml.training.sources.caption_source import CaptionSource
from trmml.training.sources.image_source import ImageSource
from trmml.training.sources.loading import free_workers
from trmml.training.sources.seeded_images import SeededImages
from trmml.training.sources.source import TrainingSource

__all__ = ["RunProgress", "RunSources", "open_sources"]

_LOGGER = logging.getLogger(__name__)

RunProgress = Callable[[str, int, int], None]
"""Called with the name of the work under way, how much of it is done, and of how much."""


class RunSources(NamedTuple):
    """The sources of a run; None where it has no such images."""

    train: TrainingSource
    validation: TrainingSource | None
    test: TrainingSource | None


def open_sources(
    data: RunData,
    encoders: EncoderPair,
    *,
    cache: CacheConfig,
    seed: int,
    image_size: int,
    workers: int | None,
    request: StopRequest,
    progress: RunProgress | None = None,
) -> RunSources:
    """Prepare what a run reads, and fill its cache if it has one.

    The test images are read once, at the end, and never cached.

    Args:
        data: Tables.
        encoders: Frozen towers; the cache needs the image tower, captions the text tower.
        cache: Whether there is a cache, and how many views it keeps.
        seed: Of the augmentation.
        image_size: Side of the images in pixels.
        workers: Processes that read images; None takes the free cores.
        request: Ends the filling, to be taken up later.
        progress: Told of the filling.

    Raises:
        OSError: If the disk does not hold the cache.
        TrainingStopped: If a signal asked to stop; what is filled is kept.
        ValueError: If the cache on disk is damaged.
    """
    workers = free_workers() if workers is None else workers

    def source(name: str, table: ImageTable | None, views: int | None) -> TrainingSource | None:
        if table is None:
            return None
        if cache.directory is None or views is None:
            size = (image_size, image_size)
            return ImageSource(
                table, seed=seed, image_size=size, num_workers=workers, finished=False
            )
        images = SeededImages(table, seed=seed)
        kept = FeatureCache(cache.directory, encoders, images, num_views=views)
        _fill(kept, f"Caching {name} features", workers, request, progress)
        return CachedSource(kept)

    if data.captions is None:
        train = source("training", data.train, cache.views)
    else:
        train = CaptionSource(encoders.text, data.captions)
    if train is None:
        raise ValueError("`data` must have images to train on, got none.")
    return RunSources(
        train, source("validation", data.validation, 1), source("test", data.test, None)
    )


def _fill(
    cache: FeatureCache,
    title: str,
    num_workers: int,
    request: StopRequest,
    progress: RunProgress | None,
) -> None:
    missing, done = cache.images_missing, 0
    if not missing:
        return
    _LOGGER.info("%s: %.1f GB on disk", title, cache.bytes_needed / 1e9)

    def advance(images: int) -> None:
        nonlocal done
        done += images
        if progress is not None:
            progress(title, done, missing)

    def should_stop() -> bool:
        return request.signal is not None

    if not cache.fill(num_workers=num_workers, progress=advance, should_stop=should_stop):
        raise TrainingStopped(request.signal or SIGINT)
