"""What every method's configuration has: a name, and plain values to be built from."""

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from trmml.models.loss_config import LossConfig

__all__ = ["MethodConfig"]


@dataclass(frozen=True, kw_only=True)
class MethodConfig:
    """Settings of a method; each method has a dataclass of its own below this one.

    Attributes:
        method: The method's name, which a configuration file and a saved model are told apart by.
        loss: The loss of the labels.
    """

    method: str = ""
    loss: LossConfig = field(default_factory=LossConfig)

    @property
    def counts_unknown_as_negative(self) -> bool:
        """Whether the method takes labels that stay unknown for negative, in validation too."""
        return False

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Any:  # noqa: ANN401 - an instance of `cls`
        """Build a configuration from plain values, as read from JSON.

        Raises:
            ValueError: If a key is unknown or a value is refused.
        """
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(f"`values` must hold known settings only, got also {unknown}.")
        loss = values.get("loss")
        if isinstance(loss, dict):
            values = {**values, "loss": LossConfig(**loss)}
        return cls(**values)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as JSON gives them back."""
        return json.loads(json.dumps(asdict(self)))
