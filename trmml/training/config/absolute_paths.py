"""Make the paths of a configuration independent of the working folder."""

import os
from dataclasses import replace
from pathlib import Path

from trmml.training.config.run_config import RunConfig

__all__ = ["with_absolute_paths"]

_OF_DATA = ("path", "images", "test_path", "label_file", "captions")


def with_absolute_paths(config: RunConfig) -> RunConfig:
    """Return a configuration that means the same from any working folder.

    Args:
        config: With paths as a person gave them. Weights of the encoders are a path only where a
            file of that name is there; otherwise they are a tag.

    Examples:
        >>> from trmml.training import DataConfig
        >>> config = RunConfig(data=DataConfig(path="labels.csv"))
        >>> Path(with_absolute_paths(config).data.path).is_absolute()
        True
    """
    data = {name: _absolute(getattr(config.data, name)) for name in _OF_DATA}
    weights = config.encoder.pretrained
    if weights is not None and Path(weights).exists():
        weights = _absolute(weights)
    return replace(
        config,
        data=replace(config.data, **data),
        encoder=replace(config.encoder, pretrained=weights),
        cache=replace(config.cache, directory=_absolute(config.cache.directory)),
    )


def _absolute(path: str | None) -> str | None:
    # Not resolved: a link that is moved to other data is meant to be followed.
    return None if path is None else os.path.abspath(path)  # noqa: PTH100 - joins without links
