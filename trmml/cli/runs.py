"""What the commands that train share: settings that go over a file's, bars, a line an epoch."""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from trmml.cli.encoder_option import named_encoder
from trmml.cli.progress import progress_bar
from trmml.data import ReadingOptions
from trmml.markdown_table import percent
from trmml.training.run.sources import RunProgress

__all__ = [
    "CacheDir",
    "CacheFeatures",
    "Data",
    "Epochs",
    "Keep",
    "LearningRate",
    "Settings",
    "TrainBatchSize",
    "Views",
    "epoch_line",
    "given_settings",
    "progress_bars",
]

Data = Annotated[
    Path | None, typer.Option(help="Folder of the dataset, or one's own CSV or JSON table.")
]
Keep = Annotated[
    float | None, typer.Option(min=0.0, max=1.0, help="Share of the labels that stays known.")
]
CacheFeatures = Annotated[
    bool, typer.Option("--cache-features", help="Encode each image once and keep its features.")
]
CacheDir = Annotated[Path, typer.Option(help="Where features are kept.")]
Views = Annotated[
    int | None, typer.Option(min=1, help="Augmented views of each image in the cache.")
]
Epochs = Annotated[int | None, typer.Option(min=1, help="Passes over the training images.")]
TrainBatchSize = Annotated[
    int | None, typer.Option("--batch-size", min=1, help="Images of a step, over all processes.")
]
LearningRate = Annotated[
    float | None, typer.Option("--lr", min=0.0, max=1000.0, help="Highest learning rate.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Any setting, such as --set recipe.epochs=10; repeatable."),
]


_OPTIONS: Final = {
    "--data": "data.path",
    "--images": "data.images",
    "--captions": "data.captions",
    "--read": "data.read.",
    "--keep": "data.keep",
    "--cache-dir": "cache.directory",
    "--views": "cache.views",
    "--epochs": "recipe.epochs",
    "--batch-size": "recipe.batch_size",
    "--lr": "recipe.max_lr",
    "--encoder": "encoder.",
}
"""What each option begins the settings with that it writes."""


def given_settings(
    settings: Sequence[str] | None,
    *,
    data: Path | None,
    images: Path | None,
    captions: Path | None = None,
    read: list[str] | None,
    keep: float | None,
    cache: Path | None,
    views: int | None,
    encoder: str | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
) -> list[str]:
    """Return what was given on the command line as settings that go over a file's.

    Raises:
        ValueError: If an option and `--set` both say the same setting.
    """
    given = {"data.path": data, "data.images": images, "data.captions": captions}
    texts = [f"{key}={json.dumps(str(path))}" for key, path in given.items() if path is not None]
    reading = ReadingOptions.parse(read).given()
    texts += [f"data.read.{name}={json.dumps(value)}" for name, value in reading.items()]
    if keep is not None:
        texts.append(f"data.keep={keep}")
    if cache is not None:
        texts.append(f"cache.directory={json.dumps(str(cache))}")
    if views is not None:
        texts.append(f"cache.views={views}")
    recipe = {"epochs": epochs, "batch_size": batch_size, "max_lr": learning_rate}
    texts += [f"recipe.{name}={value}" for name, value in recipe.items() if value is not None]
    towers = {} if encoder is None else named_encoder(encoder)
    texts += [f"encoder.{name}={json.dumps(value)}" for name, value in towers.items()]
    _check_said_once(settings or (), texts)
    return [*(settings or ()), *texts]


def _check_said_once(settings: Sequence[str], texts: Sequence[str]) -> None:
    """Refuse a setting that an option says too, or a group that it is in."""
    said = {text.partition("=")[0].strip() for text in settings}
    for text in texts:
        setting = text.partition("=")[0]
        option = next((flag for flag, begins in _OPTIONS.items() if setting.startswith(begins)), "")
        groups = {setting.rpartition(".")[0], setting}
        for twice in sorted(said & groups):
            raise ValueError(
                f"`{option}` and `--set {twice}=...` both say `{setting}`; leave out one of them."
            )


@contextmanager
def progress_bars(*, quiet: bool) -> Iterator[RunProgress]:
    """Show one bar after the other, each for one kind of work."""
    with ExitStack() as stack:
        shown: dict[str, Any] = {"title": None}

        def progress(title: str, done: int, total: int) -> None:
            if shown["title"] != title:
                stack.close()
                advance = stack.enter_context(progress_bar(title, total, quiet=quiet))
                shown.update(title=title, done=0, advance=advance)
            shown["advance"](done - shown["done"])
            shown["done"] = done

        yield progress


def epoch_line(record: dict[str, Any]) -> str:
    """Return an epoch's record on one line."""
    validation = record.get("validation")
    score = "" if validation is None else f", mAP {percent(validation['map'])}"
    return f"epoch {record['epoch'] + 1}: loss {record['losses']['total']:.4f}{score}"
