"""Make the label file of a benchmark cell: which labels of a dataset stay known."""

import os
from pathlib import Path, PurePosixPath
from typing import cast, get_args

from trmml.choices import choice_error
from trmml.data.hiding import HidingProtocol, hide_labels
from trmml.data.image_table import ImageTable
from trmml.data.label_mask import LabelMask
from trmml.data.readers.index_lists import load_index_list
from trmml.data.single_positive import SinglePositiveProtocol, keep_single_positive

__all__ = ["make_mask", "mask_of_list", "own_seed"]


def own_seed(protocol: HidingProtocol | SinglePositiveProtocol) -> int:
    """Return the seed that a protocol has where none is given.

    Args:
        protocol: A name that `make_mask` takes.

    Examples:
        >>> own_seed("hcp"), own_seed("spml")
        (0, 1200)
    """
    return 1200 if protocol in get_args(SinglePositiveProtocol) else 0


def make_mask(
    table: ImageTable,
    *,
    protocol: HidingProtocol | SinglePositiveProtocol,
    keep: float | None = None,
    seed: int | None = None,
) -> LabelMask:
    """Hide labels of a dataset, and describe which and how.

    Args:
        table: The dataset with its full labels, in the protocol's order of rows.
        protocol: A name of `hide_labels`, or of `keep_single_positive`.
        keep: Share in [0, 1] that stays known, for the protocols of `hide_labels` alone.
        seed: Of the generator; by default the protocol's own, 0 or 1200.

    Raises:
        ValueError: If the protocol is unknown, or `keep` is missing, out of range or out of place.

    Examples:
        >>> import torch
        >>> class_names = [f"category {number}" for number in range(20)]
        >>> table = ImageTable(".", ["a.jpg", "b.jpg"], -torch.ones(2, 20), class_names)
        >>> make_mask(table, protocol="hcp", keep=0.1).share
        0.1
    """
    names = get_args(HidingProtocol) + get_args(SinglePositiveProtocol)
    if protocol not in names:
        raise choice_error(protocol, names, argument="protocol")
    seed = own_seed(protocol) if seed is None else seed
    if protocol in get_args(SinglePositiveProtocol):
        if keep is not None:
            raise ValueError(f"`keep` must be None for protocol {protocol!r}, got {keep}.")
        single = cast("SinglePositiveProtocol", protocol)
        partial = keep_single_positive(table.labels, protocol=single, seed=seed)
    else:
        if keep is None:
            raise ValueError(f"`keep` must be a share in [0, 1] for protocol {protocol!r}.")
        hiding = cast("HidingProtocol", protocol)
        partial = hide_labels(table.labels, keep, protocol=hiding, seed=seed)
    note = "splc: drawn by the law of the published lists, not those lists"
    return LabelMask.between(
        table.labels,
        partial,
        protocol=note if protocol == "splc" else protocol,
        seed=seed,
        keep=keep,
        class_names=table.class_names,
        names=table.names,
    )


def mask_of_list(table: ImageTable, list_file: str | os.PathLike[str]) -> LabelMask:
    """Take the known positives from a published list of SPLC, SCPNet or HSPNet.

    The list's images may be in any order and in other folders: they are found by file name.

    Args:
        table: The dataset with its full labels and the list's classes in the list's order.
        list_file: The list, see `load_index_list`.

    Raises:
        ValueError: If the list names other images than the table, or a positive that is none.
    """
    listed = load_index_list(list_file, table.root, table.class_names, unlisted="unknown")
    row = {PurePosixPath(name).name: index for index, name in enumerate(listed.names)}
    names = [PurePosixPath(name).name for name in table.names]
    absent = [name for name in names if name not in row]
    if absent or len(row) != len(names):
        raise ValueError(
            f"{list_file}: must list the {len(names)} images of the dataset, got {len(row)}, "
            f"{len(absent)} of the dataset's not among them; check the split, and whether images "
            "without annotation are rows."
        )
    return LabelMask.between(
        table.labels,
        listed.labels[[row[name] for name in names]],
        protocol=f"published list {Path(list_file).name}",
        class_names=table.class_names,
        names=table.names,
    )
