"""The command line: thin, no logic of its own."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the `trmml` command; a user's mistake ends in one line and exit status 2."""
    try:
        from trmml.cli.app import app

        app()
    except ModuleNotFoundError as error:
        if error.name == "gradio":
            sys.exit('trmml: the page needs gradio; pip install "trmml[serve]"')
        if error.name not in ("typer", "rich", "matplotlib"):
            raise
        sys.exit(f'trmml: the command line needs {error.name}; pip install "trmml[train]"')
    except (ValueError, OSError, FloatingPointError) as error:
        print(f"trmml: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
