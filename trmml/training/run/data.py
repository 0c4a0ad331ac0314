"""The images and labels of a run: what it trains on, selects on and is tested on."""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import torch
from jaxtyping import Int
from torch import Tensor

from trmml.data import (
    CaptionTable,
    ImageTable,
    LabelMask,
    common_synonyms,
    load_captions,
    make_mask,
    open_split,
    split_train_validation,
    with_synonyms,
)
from trmml.data.same_files import same_files
from trmml.training.config.data_config import DataConfig
from trmml.training.sources.source import labels_checksum

__all__ = ["RunData", "open_run_data"]

_LOGGER = logging.getLogger(__name__)
_NAMED: Final = 10  # categories that a message names before it only counts them


@dataclass(frozen=True, kw_only=True)
class RunData:
    """Tables of a run, and which labels it was told.

    Attributes:
        train: Images to learn from, augmented, with their known labels.
        validation: Images set aside to select on, not augmented; None where none are.
        test: Images to be tested on, not augmented; None where no test split is named.
        mask: Which labels of the whole training split are known, validation included; its
            `sha256` tells runs on other labels apart.
        truth: Labels of the images to learn from before any was hidden, to report on and never to
            learn from; None where none was hidden here.
        class_names: Names for the prompts.
        captions: What is learnt from in the place of `train`; None where images are.
        plain_transform: The pipeline without augmentation, for
            `train.replace(transform=plain_transform)`.
    """

    train: ImageTable
    validation: ImageTable | None
    test: ImageTable | None
    mask: LabelMask
    truth: Int[Tensor, "rows classes"] | None
    class_names: tuple[str, ...]
    plain_transform: Any
    captions: CaptionTable | None = None

    @property
    def lessons(self) -> ImageTable | CaptionTable:
        """What is learnt from: images, or captions in their place."""
        return self.train if self.captions is None else self.captions

    def prepared(
        self, config: DataConfig, *, mean: Sequence[float] | None, std: Sequence[float] | None
    ) -> "RunData":
        """Return the same images and labels, with pixels scaled as an encoder wants them.

        Args:
            config: What the tables were read by.
            mean: As in `open_run_data`.
            std: As in `open_run_data`.
        """
        augment, plain = _transforms(config, mean=mean, std=std)
        aside = (
            None if table is None else table.replace(transform=plain)
            for table in (self.validation, self.test)
        )
        validation, test = aside
        return replace(
            self,
            train=self.train.replace(transform=augment),
            validation=validation,
            test=test,
            plain_transform=plain,
        )

    def settings(self) -> dict[str, Any]:
        """Return checksums of what has to be the same for a run to go on."""
        parts = (self.train, self.validation)
        names = [table.names if table is not None else () for table in parts]
        captions = {} if self.captions is None else {"captions": self.captions.sha256}
        return captions | {
            "known_labels": self.mask.sha256,
            "validation_labels": None
            if self.validation is None
            else labels_checksum(self.validation.labels),
            "image_list": hashlib.sha256(json.dumps(names).encode()).hexdigest(),
        }


def open_run_data(
    data: DataConfig,
    *,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
    unknown_as_negative: bool = False,
    uses_unknown: bool = False,
    captions_for: str | None = None,
) -> RunData:
    r"""Read the tables of a run, hide labels, and set images aside; no image is opened.

    Labels are hidden in the whole training split before images are set aside, so that masks are
    the benchmark's to the last bit. In the images set aside, too, only labels that stay known
    count: the others would be annotations that such a dataset does not have. Where the model takes
    unknown labels as negative, they count as negative there as well, and so they do where it learns
    from unknown labels and no negative is known anywhere, as with single positives: against no
    negative any ranking is perfect.

    Args:
        data: With one share of known labels.
        mean: Channel means of the encoder in use, such as `encoder.mean`; None, with `std`, leaves
            pixels in [0, 1].
        std: Its channel standard deviations.
        unknown_as_negative: Whether the method takes unknown labels for negative.
        uses_unknown: Whether its loss learns from unknown labels.
        captions_for: The method, if it learns from captions; None if it learns from images.

    Raises:
        ValueError: If the dataset cannot be read, the label file is another dataset's, nothing is
            known, the test split has other categories or images of the training split, or captions
            are missing, or given to a method that learns from images.

    Examples:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> rows = [f"{row}.jpg,{row % 2},{row // 2 % 2}" for row in range(300)]
        >>> with TemporaryDirectory() as folder:
        ...     table = Path(folder, "labels.csv")
        ...     _ = table.write_text("\n".join(["image,cat,dog", *rows]))
        ...     config = DataConfig(path=str(table), keep=0.5)
        ...     found = open_run_data(config, mean=None, std=None)
        >>> len(found.train), len(found.validation), round(found.mask.share, 1)
        (270, 30, 0.5)
    """
    _check_captions(data, captions_for)
    augment, plain = _transforms(data, mean=mean, std=std)
    full = _open_training_split(data)
    mask = _mask(full, data)
    names = data.class_names or full.class_names
    if len(names) != full.num_classes:
        raise ValueError(
            f"`data.class_names` must have a name for each of the {full.num_classes} categories, "
            f"got {len(names)}."
        )
    test = _open_test_split(data, full)
    full = full.replace(class_names=names, broken=data.broken)
    told = full.replace(labels=mask.apply(full.labels, names=full.names))

    rows, aside = split_train_validation(
        len(full), share=data.validation_share, seed=data.validation_seed
    )
    train = told.select(rows).replace(transform=augment)
    captions = None
    if data.captions is None:
        _check_known(train, data.path)
    else:
        words = common_synonyms(names) | (data.synonyms or {})
        captions = load_captions(data.captions, with_synonyms(names, words))
    truth = full.select(rows).labels
    validation = None
    if len(aside):
        validation = (told if data.validation_labels == "known" else full).select(aside)
        negative = unknown_as_negative or (uses_unknown and not bool((told.labels < 0).any()))
        if negative and data.validation_labels == "known":
            validation = validation.replace(labels=_unknown_as_negative(validation.labels))
        validation = validation.replace(transform=plain)
    if test is not None:
        test = test.replace(class_names=names, broken=data.broken, transform=plain)
    return RunData(
        train=train,
        validation=validation,
        test=test,
        mask=mask,
        truth=None if captions is not None or torch.equal(truth, train.labels) else truth,
        class_names=tuple(names),
        plain_transform=plain,
        captions=captions,
    )


def _check_captions(data: DataConfig, method: str | None) -> None:
    if method is not None and data.captions is None:
        raise ValueError(
            f"`data.captions` must say where the captions are that {method!r} learns from, got "
            "null; give a text file with a caption on each line or COCO's captions_train2014.json, "
            "on the command line by `--captions captions.txt`."
        )
    given = [name for name in ("captions", "synonyms") if getattr(data, name) is not None]
    if method is None and given:
        raise ValueError(
            f"`data.{given[0]}` must be null for a method that learns from images, got "
            f"{getattr(data, given[0])!r}; choose one that learns from captions, such as tai-dpt."
        )


def _transforms(
    data: DataConfig, *, mean: Sequence[float] | None, std: Sequence[float] | None
) -> tuple[Any, Any]:
    from trmml.data.transforms import build_transform

    augment, plain = (
        build_transform(data.transform, train=train, size=data.image_size, mean=mean, std=std)
        for train in (True, False)
    )
    return augment, plain


def _open_training_split(data: DataConfig) -> ImageTable:
    if data.path is None:
        raise ValueError(
            "`data.path` must say where the dataset lies, got null; give its folder, or one's own "
            "CSV or JSON table."
        )
    if isinstance(data.keep, tuple):
        raise ValueError(
            f"`data.keep` must be one share here, got {list(data.keep)}; each is a run of its own, "
            "see `RunConfig.runs`."
        )
    split, table = open_split(
        data.path,
        data.train_split,
        images=data.images,
        reading=data.read,
        argument="data.train_split",
    )
    for note in table.notes:
        _LOGGER.warning("%s: %s", split, note)
    return table


def _mask(table: ImageTable, data: DataConfig) -> LabelMask:
    if data.label_file is not None:
        mask = LabelMask.load(data.label_file)
        try:
            mask.apply(table.labels, names=table.names)
        except ValueError as error:
            raise ValueError(f"{data.label_file}: made for another dataset; {error}") from None
        if mask.class_names and mask.class_names != table.class_names:
            raise ValueError(
                f"{data.label_file}: made for another dataset, with the categories "
                f"{_listed(mask.class_names)}; this one has {_listed(table.class_names)}."
            )
        return mask
    if data.keep is None and data.protocol not in ("spml", "splc"):
        return LabelMask.between(
            table.labels,
            table.labels,
            protocol="as labelled",
            class_names=table.class_names,
            names=table.names,
        )
    keep = data.keep if isinstance(data.keep, float | int) else None
    return make_mask(table, protocol=data.protocol, keep=keep, seed=data.mask_seed)


def _open_test_split(data: DataConfig, train: ImageTable) -> ImageTable | None:
    if not data.has_test or data.path is None:
        return None
    split, test = open_split(
        data.test_path or data.path,
        data.test_split,
        images=data.images,
        reading=data.test_read or data.read,
        argument="data.test_split",
    )
    if test.class_names != train.class_names:
        raise ValueError(
            f"{split}: the test split must have the training split's categories in their order, "
            f"{_listed(train.class_names)}, got {_listed(test.class_names)}."
        )
    shared = same_files(train, test)
    if shared:
        raise ValueError(
            f"{split}: the test split must have no image of the training split, got {len(shared)}, "
            f"such as {min(shared)[1]}; choose another `data.test_split`."
        )
    return test


def _check_known(train: ImageTable, path: str | None) -> None:
    if not bool((train.labels != 0).any()):
        raise ValueError(f"{path}: no label is known, so nothing can be learnt.")
    unseen = (train.labels <= 0).all(dim=0).nonzero().flatten().tolist()
    if unseen:
        _LOGGER.warning(
            "%d of %d categories have no known positive image to learn from: %s",
            len(unseen),
            train.num_classes,
            _listed([train.class_names[column] for column in unseen]),
        )


def _unknown_as_negative(labels: Int[Tensor, "rows classes"]) -> Int[Tensor, "rows classes"]:
    return torch.where(labels == 0, -torch.ones_like(labels), labels)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown}, ... ({len(names)} in all)"
