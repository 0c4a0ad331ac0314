"""Captions in the place of images: sentences, and which classes each of them names."""

import hashlib
import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from trmml.class_names import ClassNames, NameOrSynonyms
from trmml.data.noun_matching import match_nouns
from trmml.data.readers.dataset_files import read_json, read_lines

__all__ = ["CaptionTable", "load_captions", "with_synonyms"]

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class CaptionTable:
    """Captions with a label in {-1, +1} for every class.

    Attributes:
        captions: A sentence each.
        labels: int8, +1 for each class that a caption names, [rows classes].
    """

    captions: tuple[str, ...]
    labels: Int[Tensor, "rows classes"]

    def __len__(self) -> int:
        """Return the number of captions."""
        return len(self.captions)

    @property
    def sha256(self) -> str:
        """Checksum of the sentences and their order."""
        return hashlib.sha256(json.dumps(self.captions).encode()).hexdigest()


def load_captions(
    path: str | os.PathLike[str], class_names: Sequence[NameOrSynonyms]
) -> CaptionTable:
    r"""Read captions, and label them by the classes that they name.

    What names no class is left out, and counted in the log. A class that no caption names is told
    there too.

    Args:
        path: A text file with a caption on each line; COCO's `captions_train2014.json`, or any file
            of its form; or a JSON list of sentences.
        class_names: One name per class, or several synonyms for a class, see `match_nouns`.

    Raises:
        ValueError: If the file is missing, of another form, or no caption names a class.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "captions.txt")
        ...     _ = file.write_text("Two dogs play.\nNobody is here.\nA dog on a boat.")
        ...     found = load_captions(file, ["dog", "boat"])
        >>> found.captions, found.labels.tolist()
        (('Two dogs play.', 'A dog on a boat.'), [[1, -1], [1, 1]])
    """
    path, names = Path(path), ClassNames(class_names)
    captions = _captions_of_json(path) if path.suffix.lower() == ".json" else read_lines(path)
    labels = torch.from_numpy(match_nouns(captions, names))
    named = (labels > 0).any(dim=1)
    if not bool(named.any()):
        raise ValueError(
            f"{path}: captions must name the classes, such as {names.shown[0]!r}, got none that "
            f"does among {len(captions)}; give the classes synonyms, or other captions."
        )
    if not bool(named.all()):
        _LOGGER.info(
            "%s: %d of %d captions name no class and are left out",
            path,
            int((~named).sum()),
            len(captions),
        )
    silent = (~(labels > 0).any(dim=0)).nonzero().flatten().tolist()
    if silent:
        _LOGGER.warning(
            "%s: no caption names %d of %d classes, such as %r, of which nothing is learnt; give "
            "them synonyms, or sentences of their own",
            path,
            len(silent),
            len(names),
            names.shown[silent[0]],
        )
    kept = tuple(captions[row] for row in named.nonzero().flatten().tolist())
    return CaptionTable(kept, labels[named])


def with_synonyms(
    class_names: Sequence[NameOrSynonyms], synonyms: Mapping[str, Sequence[str]]
) -> ClassNames:
    """Return class names with further synonyms, to be found in captions.

    Args:
        class_names: One name per class, or several synonyms for a class.
        synonyms: Further names of classes, by the class's first name.

    Raises:
        ValueError: If there is no class of a name.

    Examples:
        >>> with_synonyms(["person", "dog"], {"person": ["man", "woman"]})
        ClassNames([['person', 'man', 'woman'], 'dog'])
    """
    names = ClassNames(class_names)
    unknown = sorted(set(synonyms) - set(names))
    if unknown:
        raise ValueError(
            f"`synonyms` must be of classes there are, got some of {unknown[0]!r}; the classes are "
            f"{', '.join(names.titles[:10])}{', ...' if len(names) > 10 else ''}."
        )
    return ClassNames(
        [
            [*dict.fromkeys([*group, *synonyms.get(group[0], ())])]  # none of them twice
            for group in names.synonyms
        ]
    )


def _captions_of_json(path: Path) -> list[str]:
    content = read_json(path)
    found: Any = content
    if isinstance(content, dict):
        entries = content.get("annotations")
        found = [
            entry.get("caption") if isinstance(entry, dict) else None
            for entry in (entries if isinstance(entries, list) else [None])
        ]
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise ValueError(
            f"{path}: must hold captions, as COCO's `annotations` with a `caption` each or as a "
            "list of sentences, got something else; for a file of labels, see `data.path`."
        )
    return [" ".join(text.split()) for text in found if text.strip()]
