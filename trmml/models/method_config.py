"""What every method's configuration has: a name, and plain values to be built from."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from types import NoneType, UnionType
from typing import Any, ClassVar, Final, Literal, get_args, get_origin, get_type_hints

from trmml.class_names import NameOrSynonyms
from trmml.models.loss_config import LossConfig

__all__ = ["MethodConfig"]

_PLAIN: Final = (bool, int, float, str, NoneType)


@dataclass(frozen=True, kw_only=True)
class MethodConfig:
    """Settings of a method; each method has a dataclass of its own below this one.

    Attributes:
        learns_from: What the method's task is given a batch of: images, or captions in their place.
        method: The method's name, which a configuration file and a saved model are told apart by.
        loss: The loss of the labels.
    """

    learns_from: ClassVar[Literal["images", "captions"]] = "images"

    method: str = ""
    loss: LossConfig = field(default_factory=LossConfig)

    @property
    def counts_unknown_as_negative(self) -> bool:
        """Whether the method takes labels that stay unknown for negative, in validation too."""
        return False

    @property
    def uses_unknown(self) -> bool:
        """Whether labels that stay unknown are learnt from; mostly as if they were negative."""
        return self.loss.build().uses_unknown

    def check_classes(self, class_names: Sequence[NameOrSynonyms]) -> None:
        """Refuse classes of which the settings do not say what the method has to know.

        Asked by a run, before anything is loaded or encoded.

        Args:
            class_names: One name per class, or several synonyms for a class.
        """

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Any:  # noqa: ANN401 - an instance of `cls`
        """Build a configuration from plain values, as read from JSON.

        Raises:
            ValueError: If a key is unknown or a value is refused.
        """
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(f"`values` must hold known settings only, got also {unknown}.")
        hints = get_type_hints(cls)
        for name, value in values.items():
            _check_kind(value, hints[name], argument=name)
        if "loss" in values:
            values = {**values, "loss": _loss(values["loss"])}
        return cls(**values)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as JSON gives them back."""
        return json.loads(json.dumps(asdict(self)))


def _check_kind(value: object, hint: object, *, argument: str) -> None:
    """Refuse a value of another kind than annotated, where that is plain: 1 is no truth value."""
    kinds: tuple[Any, ...] = get_args(hint) if get_origin(hint) is UnionType else (hint,)
    if not set(kinds) <= {*_PLAIN}:
        return
    if type(value) not in kinds and not (type(value) is int and float in kinds):
        names = " or ".join("None" if kind is NoneType else kind.__name__ for kind in kinds)
        raise ValueError(f"`{argument}` must be of the kind {names}, got {value!r:.80}.")


def _loss(value: object) -> LossConfig:
    if isinstance(value, LossConfig):
        return value
    known: dict[str, Any] = {"name": "", "settings": {}}
    if not isinstance(value, dict) or any(
        name not in known or type(given) is not type(known[name]) for name, given in value.items()
    ):
        raise ValueError(f"`loss` must have a 'name' and a mapping 'settings', got {value!r:.80}.")
    return LossConfig(**value)
