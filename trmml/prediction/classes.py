"""The classes of a model beside those of a dataset."""

from collections.abc import Sequence

from trmml.data import ImageTable
from trmml.modules import ClassNames

__all__ = ["align_classes", "class_titles"]


def class_titles(class_names: ClassNames) -> list[str]:
    """Return one name a class: of several synonyms, the first."""
    return [name if isinstance(name, str) else name[0] for name in class_names]


def align_classes(table: ImageTable, class_names: ClassNames) -> ImageTable:
    """Return a table with its columns in a model's order.

    Args:
        table: Its classes may be in another order, or go by any synonym of the model's.
        class_names: Those of the model.

    Raises:
        ValueError: If a class of the one is missing in the other, with all that differ.

    Examples:
        >>> import torch
        >>> table = ImageTable(".", ["a.jpg"], torch.tensor([[1, -1]]), ["dog", "cat"])
        >>> align_classes(table, [["cat", "kitten"], "dog"]).labels
        tensor([[-1,  1]], dtype=torch.int8)
    """
    columns = {name: column for column, name in enumerate(table.class_names)}
    synonyms = [[name] if isinstance(name, str) else list(name) for name in class_names]
    found = [next((columns[name] for name in names if name in columns), None) for names in synonyms]
    absent = [names[0] for names, column in zip(synonyms, found, strict=True) if column is None]
    extra = [name for name, column in columns.items() if column not in found]
    if absent or extra:
        raise ValueError(
            f"`table` must have the {len(synonyms)} classes of the model, but "
            + _differences(absent, "it lacks")
            + ("; " if absent and extra else "")
            + _differences(extra, "the model does not know")
            + "."
        )
    return table.replace(labels=table.labels[:, found], class_names=class_titles(class_names))


def _differences(names: Sequence[str], what: str) -> str:
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"{what} {', '.join(map(repr, names[:10]))}{more}" if names else ""
