import json
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from tests.data.benchmark_folders import write_benchmarks
from tests.markdown_blocks import ROOT, shell_commands
from trmml.cli import main
from trmml.cli.app import app
from trmml.data import LabelMask, hide_labels, keep_single_positive, load_table, open_split

PAGE = ROOT / "docs" / "how-to" / "getting_the_data.md"
SCENES = ROOT.parent / "shared" / "data" / "scenes2000"
COCO256 = ROOT.parent / "shared" / "data" / "coco256"

UNTABBED = re.sub(r"^    ", "", PAGE.read_text(), flags=re.MULTILINE)
COMMANDS = [shlex.split(line)[1:] for line in shell_commands(UNTABBED)]
CELLS = [command for command in COMMANDS if command[1] != "check"]


def run(*arguments: object):
    return CliRunner().invoke(app, ["data", *map(str, arguments)])


def status(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int | str | None:
    """Run the command as the shell does."""
    monkeypatch.setattr(sys, "argv", ["trmml", "data", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return stopped.value.code


@pytest.fixture(scope="module")
def benchmarks(tmp_path_factory):
    root = tmp_path_factory.mktemp("benchmarks")
    write_benchmarks(root)
    return root


@pytest.fixture
def photos(tmp_path):
    (tmp_path / "photos").mkdir()
    for row in range(3):
        noise = torch.randint(0, 256, (40, 40, 3), dtype=torch.uint8).numpy()
        Image.fromarray(noise).save(tmp_path / "photos" / f"{row}.jpg")
    (tmp_path / "labels.csv").write_text("image,cat,dog\n0.jpg,1,0\n1.jpg,0,1\n2.jpg,1,1\n")
    return tmp_path


def test_the_page_has_a_command_for_every_cell_of_both_tables():
    hiding = [command for command in CELLS if command[1] == "hide"]
    known = [(command[2], command[command.index("--keep") + 1]) for command in hiding]
    shares = [f"0.{tenth}" for tenth in range(1, 10)]
    folders = ("COCO", "VOCdevkit/VOC2007", "VG")
    assert known == [(folder, share) for folder in folders for share in shares]
    single = [command[2] for command in CELLS if command[1] == "single-positive"]
    asl = ["COCO", "VOCdevkit/VOC2012", "NUS-ASL", "CUB_200_2011"]
    assert single == ["COCO", "VOCdevkit/VOC2012", "NUS-SPML", "CUB_200_2011", *asl, *asl]
    assert len({command[command.index("--out") + 1] for command in CELLS}) == len(CELLS)


@pytest.mark.parametrize("command", CELLS, ids=lambda command: command[command.index("--out") + 1])
def test_the_command_of_a_cell_writes_its_labels(monkeypatch, benchmarks, command):
    monkeypatch.chdir(benchmarks)
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    options = dict(zip(command[3::2], command[4::2], strict=True))
    _, table = open_split(command[2], options["--split"])
    mask = LabelMask.load(options["--out"])
    partial = mask.apply(table.labels, names=table.names)
    if command[1] == "hide":
        assert (mask.protocol, mask.seed, mask.keep) == ("hcp", 0, float(options["--keep"]))
        assert torch.equal(partial, hide_labels(table.labels, float(options["--keep"])))
    elif "--published" in options:
        assert mask.protocol == f"published list {Path(options['--published']).name}"
        last = [int(row.nonzero()[-1, 0]) for row in table.labels > 0]
        assert partial.argmax(1).tolist() == last
        assert partial.abs().sum(1).eq(1).all()
    else:
        protocol = options.get("--protocol", "spml")
        seed = int(options.get("--seed", "1200"))
        assert torch.equal(
            partial, keep_single_positive(table.labels, protocol=protocol, seed=seed)
        )
        assert mask.protocol.startswith(protocol)
        assert ("not those lists" in mask.protocol) == (protocol == "splc")
    assert "is another mask" in result.output  # the miniature is not the benchmark


@pytest.mark.parametrize(
    "command", [command for command in COMMANDS if command[1] == "check"], ids=lambda c: c[2]
)
def test_the_check_of_a_benchmark_names_its_splits_and_finds_it_incomplete(
    monkeypatch, benchmarks, command
):
    monkeypatch.chdir(benchmarks)
    result = CliRunner().invoke(app, [*command, "--json"])
    assert result.exit_code == 1
    reports = json.loads(result.stdout)
    assert len(reports) == 2
    for report in reports:
        assert report["broken"] == []
        assert report["usable"] is False
        assert re.fullmatch(r"\d images instead of [\d,]+", report["problems"][0])


@pytest.mark.parametrize("folder", ["VOCdevkit/VOC2007", "VOCdevkit/VOC2012", "CUB_200_2011"])
def test_the_check_says_the_same_from_inside_the_folder(monkeypatch, benchmarks, folder):
    def reports(path):
        found = json.loads(run("check", path, "--fast", "--json").stdout)
        return [(report["name"], report["problems"]) for report in found]

    expected = reports(benchmarks / folder)
    assert all("instead of" in problems[0] for _, problems in expected)
    monkeypatch.chdir(benchmarks / folder)
    assert reports(".") == reports("./") == reports(f"../{folder.split('/')[-1]}") == expected


def test_a_sound_dataset_ends_with_0(monkeypatch, capsys, photos):
    assert status(monkeypatch, "check", photos / "labels.csv") == 0
    assert capsys.readouterr().out.startswith("labels.csv: usable; 3 images, 2 classes, 100.0%")


def test_a_damaged_one_ends_with_1_and_every_file_is_listed(monkeypatch, capsys, photos):
    (photos / "photos" / "0.jpg").unlink()
    (photos / "photos" / "1.jpg").write_text("<html>")
    data = (photos / "photos" / "2.jpg").read_bytes()
    (photos / "photos" / "2.jpg").write_bytes(data[: len(data) // 2])
    assert status(monkeypatch, "check", photos / "labels.csv") == 1
    out = capsys.readouterr().out
    assert "labels.csv: NOT usable" in out
    for line in (
        "0.jpg: the file does not exist",
        "1.jpg: not an image",
        "2.jpg: damaged or trunc",
    ):
        assert f"  broken: {photos / 'photos' / line}" in out
    assert status(monkeypatch, "check", photos / "labels.csv", "--fast") == 1
    assert "2.jpg" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"image,cat\n0.jpg,1\n0.jpg,0\n", "'0.jpg' is in line 2 and again in line 3"),
        ("image,café\n0.jpg,1\n".encode("cp1252"), "is not utf-8"),
        (b"image,cat\n0.jpg,perhaps\n", "no column holds labels (column 'cat' has 'perhaps')"),
    ],
)
def test_what_the_reader_refuses_ends_with_1(monkeypatch, capsys, photos, content, problem):
    (photos / "labels.csv").write_bytes(content)
    assert status(monkeypatch, "check", photos / "labels.csv", "--workers", 1) == 1
    assert problem in capsys.readouterr().out


def test_an_unknown_category_ends_with_1(monkeypatch, capsys, tmp_path):
    write_benchmarks(tmp_path)
    file = next((tmp_path / "VOCdevkit" / "VOC2007" / "Annotations").iterdir())
    file.write_text("<annotation><object><name>unicorn</name></object></annotation>")
    assert status(monkeypatch, "check", tmp_path / "VOCdevkit" / "VOC2007") == 1
    assert "an object of the unknown class 'unicorn'" in capsys.readouterr().out


def test_json_is_all_there_is_on_standard_output(monkeypatch, capsys, photos):
    (photos / "photos" / "1.jpg").write_bytes(b"")
    (photos / "photos" / "2.jpg").write_bytes((photos / "photos" / "0.jpg").read_bytes())
    assert status(monkeypatch, "check", photos / "labels.csv", "--json") == 1
    printed = capsys.readouterr()
    (report,) = json.loads(printed.out)
    broken = {"path": str(photos / "photos" / "1.jpg"), "reason": "the file is empty (0 bytes)"}
    assert report["broken"] == [broken]
    assert report["same_content"] == [["0.jpg", "2.jpg"]]
    assert (report["name"], report["rows"], report["usable"]) == ("labels.csv", 3, False)
    assert "Checking files" in printed.err


def test_quiet_leaves_the_result_alone(monkeypatch, capsys, photos):
    assert status(monkeypatch, "check", photos / "labels.csv", "--quiet") == 0
    printed = capsys.readouterr()
    assert (printed.err, "3 images" in printed.out) == ("", True)


def test_the_written_labels_are_told_as_json(photos):
    out = photos / "half.mask"
    result = run("hide", photos / "labels.csv", "--keep", 0.5, "--out", out, "--json")
    mask = LabelMask.load(out)
    assert json.loads(result.stdout) == {
        "file": str(out),
        "split": "labels.csv",
        "rows": 3,
        "classes": 2,
        "protocol": "hcp",
        "seed": 0,
        "known": int(mask.known.sum()),
        "share": mask.share,
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "nowhere"], "nowhere: there is nothing"),
        (["check", "photos"], "no dataset is recognised"),
        (["check", "labels.csv", "--workers", "0"], "--workers"),
        (["check"], "path"),
        (["hide", "labels.csv", "--out", "m"], "--keep"),
        (["hide", "labels.csv", "--keep", "1.5", "--out", "m"], "--keep"),
        (["hide", "labels.csv", "--keep", "0.5"], "--out"),
        (["hide", "labels.csv", "--keep", "0.5", "--out", "m", "--protocol", "x"], "--protocol"),
        (
            ["hide", "labels.csv", "--keep", "0.5", "--out", "m", "--split", "x"],
            "one of 'labels.csv'",
        ),
        (["hide", "labels.csv", "--keep", "0.5", "--out", "none/m"], "none/m"),
        (["single-positive", "labels.csv", "--out", "m", "--published", "no.txt"], "no.txt"),
    ],
)
def test_a_wrong_call_ends_with_2_and_without_a_traceback(
    monkeypatch, capsys, photos, arguments, message
):
    monkeypatch.chdir(photos)
    assert status(monkeypatch, *arguments) == 2
    errors = capsys.readouterr().err
    assert message in errors
    assert "Traceback" not in errors
    assert not (photos / "m").exists()


def test_labels_of_ones_own_table_are_hidden_and_found_again(photos):
    out = photos / "half.mask"
    options = ("--keep", 0.5, "--protocol", "exact", "--seed", 3, "--out", out)
    result = run("hide", photos / "labels.csv", *options)
    assert result.exit_code == 0, result.output
    assert "3 rows x 2 classes, protocol exact, seed 3; 3 labels known (50.0000%)" in result.output
    table = load_table(photos / "labels.csv", photos / "photos")
    mask = LabelMask.load(out)
    assert mask.class_names == ("cat", "dog")
    expected = hide_labels(table.labels, 0.5, protocol="exact", seed=3)
    assert torch.equal(mask.apply(table.labels, names=table.names), expected)
    assert "note:" not in result.output


@pytest.mark.parametrize("command", ["check", "hide", "single-positive"])
def test_help_has_an_example(command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"trmml data {command} " in result.output


@pytest.mark.skipif(not SCENES.exists(), reason="the shared photographs are not here")
def test_two_thousand_real_photographs_are_usable(monkeypatch, capsys):
    assert status(monkeypatch, "check", SCENES / "labels.csv", "--fast") == 0
    assert "labels.csv: usable; 2,000 images, 5 classes" in capsys.readouterr().out


@pytest.mark.skipif(not COCO256.exists(), reason="the shared photographs are not here")
def test_real_coco_files_are_usable(monkeypatch, capsys):
    assert status(monkeypatch, "check", COCO256) == 0
    assert capsys.readouterr().out.count("usable; 128 images, 80 classes") == 2


def test_masks_of_the_size_of_voc_2007_have_the_published_counts(tmp_path):
    lines = "".join(f"{row}.jpg{',0' * 19},1\n" for row in range(5011))
    header = "image," + ",".join(f"c{column}" for column in range(20)) + "\n"
    (tmp_path / "labels.csv").write_text(header + lines)
    for keep, count in (("0.1", 10108), ("0.9", 90174)):  # the others are held where masks are made
        out = tmp_path / f"{keep}.mask"
        assert run("hide", tmp_path / "labels.csv", "--keep", keep, "--out", out).exit_code == 0
        assert int(LabelMask.load(out).known.sum()) == count
    assert np.flatnonzero(LabelMask.load(tmp_path / "0.1.mask").known[0]).tolist() == [14, 15, 16]


def test_what_a_sheet_leaves_open_is_said_by_an_option(photos):
    sheet = photos / "labels.csv"
    sheet.write_text("image,cat,dog\n0.jpg,1,\n1.jpg,,1\n2.jpg,1,1\n")
    asked = run("check", sheet, "--quiet")
    assert asked.exit_code == 1
    assert "--read blank=negative" in asked.stdout
    told = run("check", sheet, "--quiet", "--read", "blank=negative")
    assert told.exit_code == 0
    assert "100.0% of the labels known" in told.stdout
    for command in ("hide --keep 0.5 --protocol exact", "single-positive"):
        out = photos / f"{command.split()[0]}.mask"
        done = run(*command.split(), sheet, "--out", out, "--read", "blank=negative", "--quiet")
        assert done.exit_code == 0, done.output
        assert LabelMask.load(out).known.shape == (3, 2)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("blnk=negative", "did you mean 'blank'?"),
        ("blank", "`--read` must be a name and a value"),
        ("unlisted=negative", "`unlisted` is for tables with lists of class names"),
        ("without_file=negative", "`without_file` is no reading option of this format"),
        ("encoding=utf-9", "`encoding` must be a text encoding"),
    ],
)
def test_a_reading_option_that_says_nothing_is_refused(
    photos, option, message, monkeypatch, capsys
):
    code = status(
        monkeypatch,
        "hide",
        photos / "labels.csv",
        "--keep",
        0.5,
        "--out",
        photos / "half.mask",
        "--read",
        option,
    )
    assert code == 2
    assert message in capsys.readouterr().err
    assert not (photos / "half.mask").exists()


def test_a_page_shows_the_labels_that_were_checked(photos):
    page = photos / "labels.html"
    table = (photos / "labels.csv", "--images", photos / "photos")
    result = run("check", *table, "--html", page, "--json")
    assert result.exit_code == 0
    assert "overview" not in json.loads(result.stdout)[0]  # pairs of classes are for the eye
    text = page.read_text(encoding="utf-8")
    assert "cat: 2 known to be there, 1 known not to be, 0 unknown" in text
    assert "dog in 1 of 2 cat" in text
    again = run("check", *table, "--html", page)
    assert again.exit_code != 0
    assert page.read_text(encoding="utf-8") == text


def test_a_dataset_that_is_not_usable_has_a_page_too(photos):
    (photos / "photos" / "1.jpg").unlink()
    page = photos / "labels.html"
    result = run("check", photos / "labels.csv", "--images", photos / "photos", "--html", page)
    assert result.exit_code == 1
    assert "NOT usable" in page.read_text(encoding="utf-8")
