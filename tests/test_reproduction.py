"""The page that says how to make the paper's numbers again."""

import json
import re
from pathlib import Path

import pytest

from benchmarks import reproduction
from benchmarks.reproduction import FOLDERS, RESULTS, hours, text
from trmml.training import list_run_configs, load_run_config

PAGE = Path(__file__).parents[1] / "docs" / "reproducing.md"
COUNTED = json.loads(RESULTS.read_text())


def test_every_configuration_of_a_table_has_a_row_with_its_costs():
    written = RESULTS.with_suffix(".md").read_text()
    assert written == text(COUNTED)
    tables = [name for name in list_run_configs() if name.startswith("table")]
    rows = re.findall(
        r"\| `trmml train (\S+) --data (\S+)` \|.*\| (\d+) \| ([\d.]+) \| ([\d.]+) \|", written
    )
    assert [row[0] for row in rows] == tables
    assert {row[1] for row in rows} <= {*FOLDERS.values()}
    assert '--8<-- "benchmarks/results/reproduction.md"' in PAGE.read_text()


def test_the_folders_are_those_of_the_page_on_data():
    page = (PAGE.parent / "how-to" / "getting_the_data.md").read_text()
    assert all(f"`{folder}`" in page for folder in FOLDERS.values())


def test_hours_follow_from_images_epochs_and_operations():
    run = load_run_config("table1/voc2007-0.1")
    counted = {"operations": {"RN101": {"image": 1e9, "class": 1e9}}, "images_per_second": 100.0}
    found = hours(run, counted)
    assert found is not None
    looked_at = 40 * 5_011 + 4_952
    steps = 40 * round(5_011 * 0.9) // 128
    operations = (looked_at + 20 * steps) * 1e9
    assert found[0] == pytest.approx(operations / (0.4 * 989e12) / 3600)
    assert found[1] == pytest.approx(looked_at / 1600 / 3600)
    assert hours(load_run_config("tiny"), counted) is None


def test_the_command_that_selects_on_test_images_is_one(monkeypatch: pytest.MonkeyPatch):
    command = next(line for line in PAGE.read_text().splitlines() if "selection=test" in line)
    overrides = re.findall(r"--set (\S+)", command)
    config = load_run_config(command.split()[2], overrides)
    assert (config.selection, config.data.validation_share) == ("test", 0)


def test_without_photographs_only_the_tables_are_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    results = tmp_path / "reproduction.json"
    results.write_text(RESULTS.read_text())
    monkeypatch.setattr(reproduction, "RESULTS", results)
    monkeypatch.setattr(reproduction, "TABLES", ("6",))
    reproduction.main([])
    assert results.with_suffix(".md").read_text() in capsys.readouterr().out
