"""A thousand wrong calls: each ends soon, in words, with nothing printed, written or accepted."""

import itertools
import json
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args, get_origin

import pytest
import typer

from trmml.cli.app import app

Run = Callable[..., tuple[int, str, str]]
CALLS, SECONDS = 1000, 20

# Of each command a call that is right, to which one wrong thing is done.
RIGHT = {
    "train": ["train", "tiny", "--data", "labels.csv", "--images", "photos", "--out", "run"],
    "report": ["report", "finished"],
    "compare": ["compare", "tiny", "--data", "labels.csv", "--images", "photos", "--out", "run"],
    "eval": ["eval", "model", "labels.csv", "--images", "photos"],
    "predict": ["predict", "model", "photos"],
    "heatmap": ["heatmap", "model", "photos", "--out", "drawn"],
    "label": ["label", "model", "labels.csv", "--images", "photos", "--out", "new.csv"],
    "demo": ["demo", "--fast", "--out", "demo"],
    "info": ["info", "model"],
    "methods": ["methods"],
    "export": ["export", "model", "--out", "model.onnx"],
    "serve": ["serve", "model"],
    "data check": ["data", "check", "labels.csv", "--images", "photos"],
    "data hide": ["data", "hide", "labels.csv", "--keep", "0.5", "--out", "new.mask"],
    "data single-positive": ["data", "single-positive", "labels.csv", "--out", "new.mask"],
    "data suspects": [
        "data",
        "suspects",
        "labels.csv",
        "--images",
        "photos",
        "--model",
        "model",
    ],
    "data merge": ["data", "merge", "labels.csv", "review.csv", "--out", "new.csv"],
}
BAD_MODELS = [
    "nowhere",
    "labels.csv",
    "photos",
    "pipe",
    "models/empty",
    "models/cut",
    "models/card",
    "models/deep",
    "models/nan",
    "models/lie",
    "models/list",
    "no\x01where",
    "a" * 300,
]
BAD_TABLES = [
    "nowhere.csv",
    "photos",
    "pipe",
    "tables/empty.csv",
    "tables/binary.csv",
    "tables/one.csv",
    "tables/cells.csv",
    "tables/uneven.csv",
    "tables/quote.csv",
    "tables/twice.csv",
    "tables/zip.csv",
    "tables/deep.json",
    "tables/huge.json",
    "tables/list.json",
    "tables/twins.csv",
    "a" * 300,
]
BAD_ARGUMENTS = {
    "model": BAD_MODELS,
    "path": BAD_TABLES,
    "data": BAD_TABLES,
    "images": ["nowhere", "nowhere.png", "models/empty", "pipe", "a" * 300],
    "run": ["nowhere", "labels.csv", "photos", "pipe", "runs/several", "runs/cut", "runs/other"],
    "review": [
        "nowhere.csv",
        "pipe",
        "tables/quote.csv",
        "tables/cells.csv",
        "photos",
        "tables/review.csv",
    ],
    "config": [
        "nowhere.yaml",
        "papr",
        "yaml/deep.yaml",
        "yaml/tab.yaml",
        "yaml/list.yaml",
        "yaml/circle.yaml",
        "yaml/anchor.yaml",
        "yaml/binary.yaml",
        "pipe.yaml",
    ],
}
BAD_TEXTS = {
    "--methods": ["nonsense", "coop,", ",", "trmml", "coop;dualcoop"],
    "--split": ["nonsense", "train/"],
    "--device": ["xyz", "meta", "cuda:99", "cpu:-1", "cuda:x", "privateuseone"],
    "--task": ["nowhere.py:Task", "labels.csv", "own.py", "own.py:Nothing", ":", "own.py:"],
    "--encoder": [":", ":openai", "RN50:", "tiny:nowhere.pt", "RN50:nowhere.pt", "no\x01where"],
    "--classes": ["dog", ",", '"', "sea,dog"],
    "--read": ["blank", "nonsense=1", "encoding=utf-9", "=", "unlisted=negative"],
    "--out": ["labels.csv/new", "/dev/null", "pipe", "labels.csv", "a" * 300, "new\x00name"],
    "--images": ["nowhere", "nowhere/photos"],
    "--labels": ["nowhere.csv"],
    "--label-file": ["nowhere.mask"],
    "--published": ["nowhere.txt", "labels.csv", "pipe"],
    "--model-out": ["labels.csv"],
    "--model": BAD_MODELS,
    "--config": ["nowhere.yaml", "papr", "yaml/deep.yaml", "pipe.yaml"],
    "--base": ["nowhere.yaml", "papr", "yaml/deep.yaml", "pipe.yaml"],
    "--html": ["photos", "labels.csv", "nowhere/page.html", "pipe", "a" * 300, "new\x00name"],
    "--host": ["256.256.256.256", "no host"],
    "--format": ["nonsense"],
    "--set": [
        "nonsense=1", "recipe=1", "recipe.epochs", "recipe.epochs=-1", "recipe.epochs=1e20",
        "recipe.epochs=100000000000000000000", "recipe.epochs=x", "recipe.max_lr=.inf",
        "recipe.max_lr=.nan", "recipe.weight_decay=.inf", "recipe.batch_size=0",
        "data.workers=100000000000000000000", "data.image_size=0", "data.keep=2", "data.keep=[]",
        "data.protocol=none", "data.class_names=[cat]", "model.method=none", "model.loss=none",
        "model.region_weight=.inf", "model.decoder_lr_ratio=.inf", "model.bank_momentum=2",
        "encoder.family=none", "encoder.name=none", "encoder.pretrained=nowhere.pt",
        "cache.views=0", "selection=none", "name=..", "name=a/../../b", "name=''", "name=1",
        "data.read.blank=maybe", "[" * 500, "recipe.epochs=[" * 40, "a.b.c.d.e=1", "=1", "{}=1",
        "recipe.seed=-1", "recipe.seed=99999999999999999999", "checkpoint_every=0",
    ],
}  # fmt: skip
BAD_WHOLE = [
    [], ["nonsense"], ["predict"], ["data"], ["data", "nonsense"], ["--nonsense"],
    ["train"], ["train", "--out"], ["train", "--resume"], ["train", "paper"],
    ["train", "--out", "photos", "--resume"],
    ["train", "paper", "--data", "labels.csv", "--set", "encoder.pretrained=nowhere.pt"],
    ["train", "tiny", "--data", "labels.csv", "--images", "photos", "--out", "labels.csv"],
    ["demo", "--images", "photos"], ["demo", "--labels", "labels.csv"], ["demo", "--keep", "0"],
    ["demo", "--images", "photos", "--labels", "labels.csv", "--encoder", "nowhere.py:load_pair"],
    ["demo", "--images", "photos", "--labels", "labels.csv", "--encoder", "own.py:Task"],
    ["eval", "model", "labels.csv", "--model-out", "x"], ["predict", "model", "-", "photos"],
    ["train", "tiny", "--data", "labels.csv", "--images", "photos", "--views", "2", "--keep", "7"],
]  # fmt: skip


def bad_values(option):
    """Return values that an option of the command line may not take, by what it says of itself."""
    kind = option.bare_type
    if get_origin(kind) is Literal:
        return ["nonsense", "POSITIVE ", get_args(kind)[0] + "x"]
    if kind is int:
        return ["x", "1.5", "nan", "1e20", "9" * 30, "-" + "9" * 30, "-1"]
    if kind is float:
        return ["x", "1,5", "nan", "inf", "-inf", "1e400", "-0.5", "1e9"]
    return BAD_TEXTS.get(option.opts[0], [])


def commands(group, prefix=""):
    for name in group.commands:
        command = group.get_command(None, name)
        if hasattr(command, "commands"):
            yield from commands(command, f"{name} ")
        else:
            yield prefix + name, command


def wrong_calls(name, command):
    """Yield each wrong call of a command that one change to a right one gives."""
    right = RIGHT[name]
    yield [*right, "--nonsense"]
    yield [*right, "--nonsense=1"]
    if name not in ("predict", "heatmap"):
        yield [*right, "labels.csv", "photos", "model"]
    words = name.split()
    positional = [one for one in command.params if not one.opts[0].startswith("-")]
    for place, one in enumerate(positional, start=len(words)):
        if one.required:
            yield right[:place] + right[len(words) + len(positional) :]
        for value in BAD_ARGUMENTS.get(one.name, []):
            yield [*right[:place], value, *right[place + 1 :]]
    for one in command.params:
        option = one.opts[0]
        if not option.startswith("--") or option == "--help":
            continue
        if one.is_flag:
            yield [*right, f"{option}=x"]
            continue
        yield [*right, option]
        yield [*right, f"{option}="]
        for value in bad_values(one):
            if option in right:
                place = right.index(option)
                yield [*right[:place], *right[place + 2 :], option, value]
            else:
                yield [*right, option, value]


@pytest.fixture
def ground(home: Path) -> Path:
    """Files of all wrong kinds beside those that are right."""
    os.mkfifo("pipe")
    os.mkfifo("pipe.yaml")
    tables = {
        "empty.csv": b"",
        "binary.csv": bytes(range(256)),
        "one.csv": b"image\na.png\n",
        "cells.csv": b"image,sea\n0.png,1\n1.png,several\n",
        "uneven.csv": b"image,sea\n0.png,1,0\n",
        "quote.csv": b'image,sea\n"0.png,1\n1.png,0\n',
        "twice.csv": b"image,sea\n0.png,1\n0.png,0\n",
        "twins.csv": "image,sea,sea\u200b\n0.png,1,0\n".encode(),
        "zip.csv": b"PK\x03\x04" + bytes(50),
        "deep.json": b"[" * 100_000,
        "huge.json": b'[{"image": "a", "positives": ' + b"9" * 10_000 + b"}]",
        "list.json": b"[1, 2]",
        "review.csv": b"image,class,label,accept\nnowhere.png,sea,1,yes\n",
    }
    yaml = {
        "deep.yaml": b"recipe: " + b"[" * 5_000,
        "tab.yaml": b"recipe:\n\tepochs: 1\n",
        "list.yaml": b"- recipe\n",
        "circle.yaml": b"extends: circle.yaml\n",
        "anchor.yaml": b"a: &a [1]\nb: *a\n",
        "binary.yaml": bytes(range(256)),
    }
    for folder, files in (("tables", tables), ("yaml", yaml)):
        Path(folder).mkdir()
        for name, content in files.items():
            Path(folder, name).write_bytes(content)
    card = json.loads(Path("model/config.json").read_text())
    weights = Path("model/model.safetensors").read_bytes()
    models = {
        "empty": {},
        "cut": {"config.json": json.dumps(card).encode(), "model.safetensors": weights[:-100]},
        "card": {"config.json": b'{"method": "trmml"}', "model.safetensors": weights},
        "deep": {"config.json": b"[" * 100_000, "model.safetensors": weights},
        "nan": {
            "config.json": json.dumps({**card, "image_size": float("nan")}).encode(),
            "model.safetensors": weights,
        },
        "lie": {
            "config.json": json.dumps(card).encode(),
            "model.safetensors": (2**60).to_bytes(8, "little") + weights[8:],
        },
        "list": {"config.json": b"[]", "model.safetensors": weights},
    }
    for name, files in models.items():
        Path("models", name).mkdir(parents=True)
        for file, content in files.items():
            Path("models", name, file).write_bytes(content)
    runs = {
        "finished": json.dumps({"name": "finished"}),
        "runs/several": '{"runs": {"a": 0.5}}',
        "runs/cut": '{"name": "a", "test": {',
        "runs/other": '{"name": 3}',
    }
    for name, report in runs.items():
        Path(name).mkdir(parents=True)
        Path(name, "report.json").write_text(report)
    Path("own.py").write_text("Task = 1\n")
    Path("review.csv").write_text("image,class,label,accept\n")
    return home


def extra_first(call: list[str], extra: list[str]) -> list[str]:
    """Put options that do no harm where they cannot be taken for the value of another."""
    words = 2 if call[:1] == ["data"] else 1
    takes = call and call[0] in {name.split()[0] for name in RIGHT} and len(call) > words
    return [*call[:words], *extra, *call[words:]] if takes else call


def everything(home: Path) -> set[tuple[str, int]]:
    return {(str(path), path.lstat().st_size) for path in home.rglob("*")}


def test_a_thousand_wrong_calls_end_in_words(ground: Path, run: Run) -> None:
    all_commands = list(commands(typer.main.get_command(app)))
    assert {name for name, _ in all_commands} == {*RIGHT}
    calls = [call for name, command in all_commands for call in wrong_calls(name, command)]
    calls += BAD_WHOLE
    generator = random.Random(0)
    generator.shuffle(calls)
    harmless = itertools.cycle([[], ["--quiet"], ["--json"], ["--quiet", "--json"]])
    asked = [extra_first(call, extra) for call, extra in zip(calls * 9, harmless, strict=False)]
    asked = asked[:CALLS]
    before = everything(ground)

    def too_long(*_: object) -> None:
        raise TimeoutError("hangs")

    signal.signal(signal.SIGALRM, too_long)
    wrong = []
    for call in asked:
        signal.alarm(SECONDS)
        try:
            status, printed, said = run(*call)
        except BaseException as error:  # a traceback is what is looked for
            wrong.append(f"{call}: {type(error).__name__}: {str(error)[:300]}")
            continue
        finally:
            signal.alarm(0)
        if status == 0:
            wrong.append(f"{call}: accepted; {printed[:100]!r}, {said[:100]!r}")
        elif not said.strip() and not printed.strip():
            wrong.append(f"{call}: ends with {status} and no word")
        elif status == 2 and not any(
            line.lstrip().startswith(("Usage: ", "trmml: ", "╭─ Error"))
            for line in (printed + said).splitlines()
        ):
            wrong.append(f"{call}: {said[:300]!r}")
        if everything(ground) != before:
            wrong.append(f"{call}: leaves {everything(ground) ^ before}")
            before = everything(ground)
    assert len(asked) == CALLS
    assert not wrong, "\n".join([f"{len(wrong)} of {CALLS}:", *wrong])
