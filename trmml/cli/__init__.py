"""The command line: thin, no logic of its own."""

import io
import os
import sys

__all__ = ["main"]

TRAIN = ("typer", "rich", "matplotlib", "accelerate", "pydantic", "yaml", "tensorboard", "filelock")
EXTRAS = {
    **dict.fromkeys(TRAIN, "train"),
    **dict.fromkeys(("onnx", "onnxruntime", "onnxscript"), "export"),
    "gradio": "serve",
    "huggingface_hub": "hub",
}
FEWER_AT_ONCE = (
    "take fewer images at once with --batch-size, or in training smaller parts of each step with "
    "--set recipe.gradient_accumulation_steps=4."
)


def main() -> None:
    """Run the `trmml` command; a user's mistake ends in one line and exit status 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # what a console cannot show stops nothing
    try:
        from trmml.cli.app import app

        app()
    except ModuleNotFoundError as error:
        extra = EXTRAS.get(error.name or "")
        if extra is None:
            raise
        sys.exit(f'trmml: this command needs {error.name}; pip install "trmml[{extra}]"')
    except (ValueError, OSError, FloatingPointError) as error:
        print(f"trmml: {error}", file=sys.stderr)
        sys.exit(2)
    except RuntimeError as error:
        if type(error).__name__ != "OutOfMemoryError":  # torch's; a wrong call has no torch yet
            raise
        reason = str(error).partition(".")[0]
        print(f"trmml: {reason}; {FEWER_AT_ONCE}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        _flush()


def _flush() -> None:
    """Write out what is left, here and not at exit, where a closed pipe could not be caught."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
