"""Methods that the demo compares with when asked to."""

from dataclasses import replace

from trmml.choices import choice_error
from trmml.models import METHODS, LossConfig, MethodConfig

__all__ = ["demo_method"]


def demo_method(name: str, *, single_positive: bool) -> MethodConfig:
    """Return the settings that the demo trains a further method by: its defaults.

    Where each image has a single positive, no negative is known. A method whose loss makes nothing
    of unknown labels then takes them for negative, by the loss "assume-negative".

    Args:
        name: A name of `METHODS` but "trmml", which the demo trains anyway, of a method that learns
            from images.
        single_positive: Whether one positive label of each image is all that is known.

    Raises:
        ValueError: If there is no such method.

    Examples:
        >>> demo_method("coop", single_positive=False).loss.name
        'asymmetric'
        >>> demo_method("coop", single_positive=True).loss.name
        'assume-negative'
    """
    configs = {known: task.Model.Config() for known, task in METHODS.items() if known != "trmml"}
    names = [known for known, config in configs.items() if config.learns_from == "images"]
    if name not in names:
        raise choice_error(name, names, argument="methods")
    config = configs[name]
    if single_positive and not config.loss.build().uses_unknown:
        return replace(config, loss=LossConfig("assume-negative"))
    return config
