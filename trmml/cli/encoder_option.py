"""`--encoder`: the frozen towers that a command builds on."""

from typing import Annotated, Any, Final

import typer

from trmml.cli.messages import note
from trmml.encoders import EncoderPair, load_own_encoders
from trmml.encoders.load import FAMILIES
from trmml.encoders.open_clip import download_address
from trmml.training import EncoderConfig

__all__ = ["Encoder", "OwnEncoder", "named_encoder", "open_encoders"]

_HELP: Final = (
    "CLIP of open_clip, such as RN50 or ViT-B-16:laion2b_s34b_b88k; weights are OpenAI's "
    "if not given, and may be a file. tiny is the testbed of the package."
)
Encoder = Annotated[str | None, typer.Option(metavar="NAME[:WEIGHTS]", help=_HELP)]
OwnEncoder = Annotated[
    str | None,
    typer.Option(
        "--encoder",
        metavar="NAME[:WEIGHTS]|FILE.py:FUNCTION",
        help=f"Towers for the photographs: {_HELP} Or a function of your own that returns a pair; "
        "the file is run.",
        show_default=False,
    ),
]


def named_encoder(text: str) -> dict[str, Any]:
    """Return the settings of an encoder that the command line names.

    Args:
        text: What `--encoder` was given: a name, or a name and weights.

    Raises:
        ValueError: If it is neither, or towers of one's own.

    Examples:
        >>> named_encoder("RN50")
        {'family': 'open_clip', 'name': 'RN50', 'pretrained': 'default'}
    """
    name, colon, weights = text.partition(":")
    if not name or (colon and not weights):
        raise ValueError(
            f"`--encoder` must be a name, or a name and weights such as RN50:openai, got {text!r}."
        )
    if _is_own(text):
        raise ValueError(
            f"`--encoder` must name towers that a saved run can load again, got {text!r}; towers "
            "of your own go to `trmml demo`, or in Python to the model."
        )
    family, name = (name, "default") if name in FAMILIES else ("open_clip", name)
    return {"family": family, "name": name, "pretrained": weights or "default"}


def open_encoders(text: str, *, quiet: bool) -> EncoderPair:
    """Load the towers that the command line names, and say first what is downloaded.

    Args:
        text: What `--encoder` was given: as in `named_encoder`, or as in `load_own_encoders`.
        quiet: Say nothing.

    Raises:
        ValueError: As `named_encoder`, `load_own_encoders` and `EncoderConfig.load`, and if a file
            of one's own needs something that is not installed.
        FileNotFoundError: If the weights are a file that is not there.
        ConnectionError: If they can neither be found nor downloaded.
    """
    if _is_own(text):
        try:
            return load_own_encoders(text)
        except ModuleNotFoundError as error:  # of the file: not a fault of this program
            raise ValueError(f"`--encoder` {text}: {error}.") from error
    config = EncoderConfig(**named_encoder(text))
    if config.family == "open_clip":
        address = download_address(config.name, config.pretrained)
        if address is not None:
            note(
                f"Weights of {config.name}: downloaded from {address}, unless they are here "
                "already.",
                quiet=quiet,
            )
    return config.load()


def _is_own(text: str) -> bool:
    return text.rpartition(":")[0].endswith(".py")
