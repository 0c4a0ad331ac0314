"""A small file that says which labels are known, how that was decided, and for which rows."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Final

import numpy as np
from jaxtyping import Bool
from safetensors.numpy import save

from trmml.atomic_write import atomic_write_binary
from trmml.data.label_matrix import LabelMatrix, keep_where, signs
from trmml.stored_files import StoredTensors, parse_json, read_tensors, require_kinds

__all__ = ["LabelMask"]

_FORMAT = "trmml.label_mask/1"
_KINDS: Final[dict[str, Any]] = {
    "protocol": str,
    "seed": (int, None),
    "keep": (float, None),
    "rows": int,
    "classes": int,
    "class_names": list,
    "names_sha256": str,
    "labels_sha256": str,
    "mask_sha256": str,
}


@dataclass(frozen=True)
class LabelMask:
    """Which entries of a label matrix are known, with everything needed to check it.

    The file is in the safetensors format: eight entries a byte (1 MB for COCO 2014) after a
    header in plain text, which any text viewer shows. It holds no label, so it may be passed on
    where the labels may not.

    Attributes:
        known: True where the label stays known, [rows classes].
        protocol: How it was drawn: a name of `hide_labels` or `keep_single_positive`, or a note.
        seed: Of the generator, or None if it is not known.
        keep: The share that was asked for, or None where the protocol has none.
        class_names: One name a column, or empty.
        names_sha256: Of the rows' file names in order, or empty: notices another enumeration.
        labels_sha256: Of the full labels, or empty: notices other labels.
    """

    known: Bool[np.ndarray, "rows classes"]
    protocol: str
    seed: int | None = None
    keep: float | None = None
    class_names: tuple[str, ...] = ()
    names_sha256: str = ""
    labels_sha256: str = ""

    @classmethod
    def between(
        cls,
        full: LabelMatrix,
        partial: LabelMatrix,
        *,
        protocol: str,
        seed: int | None = None,
        keep: float | None = None,
        class_names: Sequence[str] = (),
        names: Sequence[str] = (),
    ) -> "LabelMask":
        """Describe what was hidden between full labels and partial ones.

        Args:
            full: Labels before.
            partial: Labels after; each is that of `full` or 0, unknown.
            protocol: What was done, for the reader of the file.
            seed: The seed it was done with.
            keep: The share that was asked for.
            class_names: Names of the columns.
            names: File names of the rows.

        Raises:
            ValueError: If `partial` says something else than `full`, or a size does not fit.

        Examples:
            >>> from trmml.data import hide_labels
            >>> full = -np.ones((100, 20), dtype=np.int8)
            >>> mask = LabelMask.between(full, hide_labels(full), protocol="hcp", seed=0, keep=0.1)
            >>> int(mask.known.sum()), mask.share
            (193, 0.0965)
        """
        before, after = signs(full), signs(partial)
        if before.positive.shape != after.positive.shape:
            raise ValueError(
                f"`partial` must have the shape of `full`, {list(before.positive.shape)}, got "
                f"{list(after.positive.shape)}."
            )
        changed = (after.positive & ~before.positive) | (after.negative & ~before.negative)
        if changed.any():
            row, column = np.argwhere(changed)[0]
            raise ValueError(
                f"`partial` must agree with `full` or be 0, got another label at row {row}, "
                f"class {column}."
            )
        rows, classes = before.positive.shape
        for argument, given, size in (
            ("class_names", class_names, classes),
            ("names", names, rows),
        ):
            if given and len(given) != size:
                raise ValueError(f"`{argument}` must be empty or {size} long, got {len(given)}.")
        return cls(
            known=after.positive | after.negative,
            protocol=protocol,
            seed=seed,
            keep=keep,
            class_names=tuple(class_names),
            names_sha256=_digest_names(names),
            labels_sha256=_digest_labels(full),
        )

    @property
    def share(self) -> float:
        """The share of all entries that is known."""
        return float(self.known.mean()) if self.known.size else 0.0

    @property
    def sha256(self) -> str:
        """Checksum of what is known, the same for a mask drawn here and one read from a file."""
        return hashlib.sha256(np.packbits(self.known).tobytes()).hexdigest()

    def apply(self, labels: LabelMatrix, *, names: Sequence[str] = ()) -> LabelMatrix:
        """Return full labels with 0 where this mask hides them.

        Args:
            labels: The full labels that the mask was made for.
            names: File names of the rows; compared where the mask knows them.

        Raises:
            ValueError: If shape, labels or row names are not those the mask was made for.
        """
        if tuple(labels.shape) != self.known.shape:
            raise ValueError(
                f"`labels` must be of shape {list(self.known.shape)} as the mask, got "
                f"{list(labels.shape)}; COCO 2014 has 82,783 rows, or 82,081 annotated ones."
            )
        if names and self.names_sha256 and _digest_names(names) != self.names_sha256:
            raise ValueError("`names` must be those of the mask in its order, got others.")
        if self.labels_sha256 and _digest_labels(labels) != self.labels_sha256:
            raise ValueError(
                "`labels` must be the full labels the mask was made for, got others; check the "
                "order of rows and classes, and how difficult objects are labelled."
            )
        return keep_where(labels, self.known)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the mask to one file, replacing it if it exists; a stop leaves the old one.

        Raises:
            ValueError: If the file cannot be written, for example because its folder is missing.
        """
        packed = np.packbits(self.known)
        header = {
            "format": _FORMAT,
            "protocol": self.protocol,
            "seed": self.seed,
            "keep": self.keep,
            "rows": self.known.shape[0],
            "classes": self.known.shape[1],
            "known": int(self.known.sum()),
            "share": self.share,
            "class_names": list(self.class_names),
            "names_sha256": self.names_sha256,
            "labels_sha256": self.labels_sha256,
            "mask_sha256": self.sha256,
        }
        metadata = {"trmml": json.dumps(header, ensure_ascii=False)}
        try:
            with atomic_write_binary(path) as file:
                file.write(save({"known": packed}, metadata=metadata))
        except OSError as error:
            raise ValueError(f"{path}: cannot be written; {error}.") from None

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "LabelMask":
        """Read a mask and verify it.

        Raises:
            ValueError: If the file does not exist, is no label mask, or is damaged.
        """
        try:
            stored = read_tensors(path)
        except FileNotFoundError as error:
            raise ValueError(str(error)) from None
        except ValueError as error:
            raise ValueError(f"{path}: no label mask, or damaged: {error}") from None
        header = _header(path, stored)
        shape = (header["rows"], header["classes"])
        packed = np.ascontiguousarray(stored.tensors["known"].numpy())
        digest = hashlib.sha256(packed.tobytes()).hexdigest()
        if digest != header["mask_sha256"] or packed.size != -(-prod(shape) // 8):
            raise ValueError(f"{path}: damaged, the checksum of its mask does not fit.")
        known = np.unpackbits(packed, count=prod(shape)).astype(bool).reshape(shape)
        return cls(
            known=known,
            protocol=header["protocol"],
            seed=header["seed"],
            keep=header["keep"],
            class_names=tuple(header["class_names"]),
            names_sha256=header["names_sha256"],
            labels_sha256=header["labels_sha256"],
        )


def _header(path: str | os.PathLike[str], stored: StoredTensors) -> dict[str, Any]:
    """Return what a mask's file says of it.

    Raises:
        ValueError: If it is no mask, or says what no mask can be.
    """
    text = stored.metadata.get("trmml", "{}")
    header = parse_json(text, where=path, what="a label mask")
    if header.get("format") != _FORMAT:
        raise ValueError(f"{path}: no label mask; its format is {header.get('format')!r:.80}.")
    require_kinds(header, _KINDS, where=path, what="a label mask")
    names, classes = header["class_names"], header["classes"]
    packed = stored.tensors.get("known")
    wrong = {
        "'rows' below 0": header["rows"] < 0,
        "'classes' below 0": classes < 0,
        f"{len(names)} names for {classes} classes": bool(names) and len(names) != classes,
        "names of classes that are no text": not all(isinstance(name, str) for name in names),
        "no bytes under 'known'": packed is None or packed.ndim != 1 or packed.element_size() != 1,
    }
    for reason, applies in wrong.items():
        if applies:
            raise ValueError(f"{path}: damaged, it has {reason}; make or copy the mask again.")
    return header


def _digest_names(names: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(names).encode()).hexdigest() if names else ""


def _digest_labels(labels: LabelMatrix) -> str:
    positive, negative = signs(labels)
    return hashlib.sha256((positive.astype(np.int8) - negative).tobytes()).hexdigest()
