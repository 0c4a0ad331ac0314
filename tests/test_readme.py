import json
from pathlib import Path

from trmml.demo.report import table_rows

ROOT = Path(__file__).parents[1]


def test_the_readme_shows_what_the_demo_printed():
    report = json.loads((ROOT / "benchmarks" / "results" / "demo.json").read_text())
    assert (report["seed"], report["keep"], report["source"]) == (0, 0.1, "world")
    assert report["seconds"] < 240
    readme = (ROOT / "README.md").read_text()
    for method, precision in table_rows(report):
        assert f"| {method} | {precision} |" in readme
    for kind in ("positive", "negative"):
        added = report["pseudo_labels"][kind]
        assert f"{added['count']:,} as" in readme
        assert f"{added['precision']:.0%}".replace("%", " %") in readme


def test_the_readme_s_picture_is_there():
    assert "docs/assets/demo.png" in (ROOT / "README.md").read_text()
    assert (ROOT / "docs" / "assets" / "demo.png").stat().st_size > 10_000
