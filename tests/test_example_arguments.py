"""An example says in one line which argument is wrong."""

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("--batch", "0", "must be at least 1"),
        ("--steps", "-1", "must be a whole number from 0"),
        ("--threads", "1e3", "must be a whole number from 0"),
        ("--seed", "x", "must be a whole number from 0"),
        ("--lr", "nan", "must be a number from 0"),
        ("--weight-decay", "inf", "must be a number from 0"),
        ("--lr", "fast", "invalid decimal value: 'fast'"),
        ("--out", str(EXAMPLES / "pretrain_tiny.py"), "must be a folder"),
    ],
)
def test_a_wrong_number_is_named(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    argument: str,
    value: str,
    message: str,
) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    script = runpy.run_path(str(EXAMPLES / "pretrain_tiny.py"))
    monkeypatch.setattr("sys.argv", ["pretrain_tiny.py", f"{argument}={value}"])
    with pytest.raises(SystemExit) as caught:
        script["parse"]()
    assert caught.value.code == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert f"argument {argument}: " in line
    assert message in line
