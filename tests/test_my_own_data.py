"""The page "My own data" on real photographs; on generated ones it runs with the other pages."""

import csv
from pathlib import Path

import numpy as np
import pytest
from sybil import Sybil

from tests.markdown_blocks import ROOT, PythonBlocks

PAGE = ROOT / "docs" / "how-to" / "my_own_data.md"
SCENES = ROOT.parent / "shared" / "data" / "scenes2000"


@pytest.mark.skipif(not SCENES.exists(), reason="the shared photographs are not here")
def test_the_page_runs_on_a_hundred_real_photographs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with (SCENES / "labels.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    random = np.random.RandomState(0)
    (tmp_path / "photos").mkdir()
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        sheet = csv.writer(file)
        sheet.writerow(header)
        for row in random.permutation(len(rows))[:100]:
            name, *cells = rows[row]
            (tmp_path / "photos" / name).symlink_to(SCENES / "images" / name)
            sheet.writerow(
                [name, *(cell if random.random_sample() < 0.5 else "" for cell in cells)]
            )
    monkeypatch.chdir(tmp_path)
    for block in Sybil(parsers=[PythonBlocks()]).parse(PAGE):
        block.evaluate()
    printed = capsys.readouterr().out
    assert "mine: usable; 100 images, 5 classes" in printed
    with (tmp_path / "predictions.csv").open(newline="") as file:
        head, *predicted = csv.reader(file)
    assert head == ["image", *header[1:]]
    assert len(predicted) == 10
    assert all(0 <= float(cell) <= 1 for _, *cells in predicted for cell in cells)
