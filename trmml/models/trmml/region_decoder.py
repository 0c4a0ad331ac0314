"""Take over the regions that another saved model has learnt."""

from pathlib import Path

from trmml.class_names import ClassNames
from trmml.models.saved_model import check_encoders, read_saved_model
from trmml.models.trmml.config import TRMMLConfig
from trmml.models.trmml.text_region_matcher import TextRegionMatcher
from trmml.stored_files import require_finite

__all__ = ["take_region_decoder"]


def take_region_decoder(model: TextRegionMatcher, directory: Path) -> None:
    """Fill a model's region decoder from a saved model.

    Args:
        model: Of the same classes, towers and kind of regions.
        directory: Of the saved model.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If this or the saved model has no regions, class names or towers differ, or
            a weight is not finite.
    """
    card, state = read_saved_model(directory)
    check_encoders(card, model.encoders)
    names = ClassNames(card["class_names"])
    if names != model.class_names:
        raise ValueError(
            "`directory` must hold a model of the same classes in the same order, got "
            f"{names.plain} where this model has {model.class_names.plain}."
        )
    saved = _region_settings(TRMMLConfig.from_dict(card["config"]))
    here = _region_settings(model.config)
    if model.decoder is None or saved != here:
        raise ValueError(
            "`directory` and this model must have regions of the same energy and "
            f"normalization, got {saved} for {here}."
        )
    start = "decoder."
    own = {k.removeprefix(start): v for k, v in state.items() if k.startswith(start)}
    require_finite(own, path=directory)
    model.decoder.load_state_dict(own)


def _region_settings(config: TRMMLConfig) -> tuple[str, str, str]:
    """Return what decides how a region decoder's weights are read."""
    return config.aggregation, config.energy, config.normalization
