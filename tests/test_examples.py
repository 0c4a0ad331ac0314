"""Every script in `examples/` runs from an empty folder, as a reader would run it, but briefly."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))


def run_briefly(script: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script in `folder`; `TRMML_FAST=1` asks the long ones for a few steps only."""
    return subprocess.run(
        [sys.executable, script],
        cwd=folder,
        env={**os.environ, "TRMML_FAST": "1", "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_there_are_examples() -> None:
    assert EXAMPLES


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.stem)
def test_it_runs(script: Path, tmp_path: Path) -> None:
    result = run_briefly(script, tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip(), "an example shows its reader something"


def test_a_broken_example_fails(tmp_path: Path) -> None:
    script = tmp_path / "broken.py"
    script.write_text("import trmml\ntrmml.Nonsense\n")
    result = run_briefly(script, tmp_path)
    assert result.returncode != 0
    assert "no attribute 'Nonsense'" in result.stderr
