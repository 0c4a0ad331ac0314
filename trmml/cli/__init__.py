"""The command line: thin, no logic of its own."""

import io
import os
import sys

from trmml.cli.failures import failure_line
from trmml.extras import install_line

__all__ = ["main"]

TRAIN = ("typer", "rich", "matplotlib", "accelerate", "pydantic", "yaml", "tensorboard", "filelock")
EXTRAS = {
    **dict.fromkeys(TRAIN, "train"),
    **dict.fromkeys(("onnx", "onnxruntime", "onnxscript"), "export"),
    "gradio": "serve",
    "pyarrow": "parquet",
    "huggingface_hub": "hub",
}


def main() -> None:
    """Run the `trmml` command; a user's mistake ends in one line and exit status 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # what a console cannot show stops nothing
    try:
        _check_empty(sys.argv[1:])
        from trmml.cli.app import app

        app()
    except ModuleNotFoundError as error:
        extra = EXTRAS.get(error.name or "")
        if extra is None:
            raise
        sys.exit(f"trmml: this command needs {error.name}; {install_line(extra)}")
    except Exception as error:
        line = failure_line(error)
        if line is None:
            raise
        print(f"trmml: {line}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        _flush()


def _check_empty(arguments: list[str]) -> None:
    """Refuse an empty argument, which would mean this folder: mostly a variable without a value."""
    for place, text in enumerate(arguments, start=1):
        if not text or (text.startswith("--") and text.endswith("=")):
            before = f" (after {arguments[place - 2]})" if not text and place > 1 else ""
            raise ValueError(
                f"argument {place}{before} must not be empty, got {text!r}; give a value, or leave "
                "it out."
            )


def _flush() -> None:
    """Write out what is left, here and not at exit, where a closed pipe could not be caught."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
