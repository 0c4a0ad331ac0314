"""The classes of a model beside those of a dataset."""

from collections.abc import Sequence

from trmml.class_names import ClassNames, NameOrSynonyms, name_key
from trmml.data import ImageTable

__all__ = ["align_classes"]


def align_classes(table: ImageTable, class_names: Sequence[NameOrSynonyms]) -> ImageTable:
    """Return a table with its columns in a model's order.

    Args:
        table: Its classes may be in another order, and go by any synonym of the model's.
        class_names: Those of the model.

    Raises:
        ValueError: If a class of the one is missing in the other, with all that differ.

    Examples:
        >>> import torch
        >>> table = ImageTable(".", ["a.jpg"], torch.tensor([[1, -1]]), ["dog", "cat"])
        >>> align_classes(table, [["cat", "kitten"], "dog"]).labels
        tensor([[-1,  1]], dtype=torch.int8)
    """
    columns = {name_key(name): column for column, name in enumerate(table.class_names)}
    names = ClassNames(class_names)
    found = [
        next((columns[name_key(name)] for name in group if name_key(name) in columns), None)
        for group in names.synonyms
    ]
    absent = [title for title, column in zip(names.titles, found, strict=True) if column is None]
    extra = [name for column, name in enumerate(table.class_names) if column not in found]
    if absent or extra:
        raise ValueError(
            f"`table` must have the {len(names)} classes of the model, but "
            + _differences(absent, "it lacks")
            + ("; " if absent and extra else "")
            + _differences(extra, "the model does not know")
            + "."
        )
    return table.replace(labels=table.labels[:, found], class_names=names.titles)


def _differences(names: Sequence[str], what: str) -> str:
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"{what} {', '.join(map(repr, names[:10]))}{more}" if names else ""
