"""Which runtime is worth having for prediction: `python -m benchmarks.runtimes`.

RN101 with random weights, 80 classes, 448 pixels: `TRMML.predict` as it is, with its tower by ONNX
Runtime (`--runtime onnx`), the exported file by OpenVINO, and the program compiled by torch, in
float32 and in bfloat16 where there is such a form. And the tower's 70 1x1 convolutions as matrix
products, which some processors are said to prefer. All in alternation, each number of images and of
threads in a process of its own; and how far probabilities are from those of `predict` in float32.
OpenVINO is no dependency of anything: `pip install openvino`.

Processors differ, so `benchmarks/results/runtimes.json` keeps what each gave; a processor that is
measured again takes the place of its own figures.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from copy import deepcopy
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import torch
from einops import rearrange
from torch import Tensor, nn

from benchmarks.measuring import alternate, environment, place, quartiles, ratio
from trmml.atomic_write import write_atomically
from trmml.markdown_table import markdown_table

RESULTS: Final = Path(__file__).parent / "results" / "runtimes.json"
SIZE: Final = 448
CLASSES: Final = 80
CELLS: Final = ((1, 1), (8, 1), (1, 2), (8, 2))  # images, and threads

Work = Callable[[], Tensor]


class Product(nn.Module):
    """A 1x1 convolution as a matrix product."""

    def __init__(self, convolution: nn.Conv2d) -> None:
        """Take the convolution's weights."""
        super().__init__()
        self.linear = nn.Linear(convolution.in_channels, convolution.out_channels)
        self.linear.weight.data = convolution.weight.data.flatten(1)
        bias = convolution.bias
        self.linear.bias.data = torch.zeros(convolution.out_channels) if bias is None else bias.data
        self.requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        """Multiply."""
        last = self.linear(rearrange(images, "b c h w -> b h w c"))
        return rearrange(last, "b h w c -> b c h w")


def with_products(module: nn.Module) -> None:
    """Replace the 1x1 convolutions in a module."""
    for name, child in module.named_children():
        if isinstance(child, nn.Conv2d) and child.kernel_size == (1, 1) == child.stride:
            setattr(module, name, Product(child))
        else:
            with_products(child)


def works(batch: int, folder: Path) -> dict[str, Work]:
    """Return each way to predict the same normalised images, or the pixels they are made of."""
    from openvino import Core  # pyright: ignore[reportMissingImports]

    from trmml import TRMML
    from trmml.encoders import load_open_clip, normalize_pixels, run_by
    from trmml.encoders.compute_dtype import INSTRUCTIONS
    from trmml.sharing import export_onnx

    torch.manual_seed(0)
    pair = load_open_clip("RN101", image_size=SIZE, channels_last=True)
    names = [f"class {index}" for index in range(CLASSES)]
    full = TRMML(pair, names, image_size=SIZE, generator=torch.Generator().manual_seed(0)).eval()
    half, products, onnx = deepcopy(full), deepcopy(full), deepcopy(full)
    run_by(half.image_encoder, "eager", dtype="bfloat16", image_size=SIZE)
    run_by(onnx.image_encoder, "onnx", image_size=SIZE)
    tower = products.image_encoder
    if not isinstance(tower, nn.Module):
        raise TypeError("open_clip's towers are modules")
    with_products(tower)
    path = folder / "model.onnx"
    export_onnx(full, path, regions=False)

    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (batch, 3, SIZE, SIZE), generator=generator, dtype=torch.uint8)
    images = normalize_pixels(pixels, full.encoders.image)

    def openvino(precision: str) -> Work:
        settings = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        }
        compiled = Core().compile_model(Core().read_model(path), "CPU", settings)
        return lambda: torch.from_numpy(compiled(pixels.numpy())[0])

    def predicting(model: TRMML, *, compile: bool = False) -> Work:
        predict = torch.compile(model.predict) if compile else model.predict
        return lambda: predict(images)

    found = {
        "eager": predicting(full),
        "eager, 1x1 as products": predicting(products),
        "onnx": predicting(onnx),
        "OpenVINO": openvino("f32"),
    }
    named: Any = environment("cpu")["instructions"]
    if batch == 1 or any(name in named for name in INSTRUCTIONS):
        found |= {
            "eager, bfloat16": predicting(half),
            "OpenVINO, bfloat16": openvino("bf16"),
        }
    if batch == 1:  # where it takes four times as long, it takes minutes with more
        found |= {
            "compile": predicting(deepcopy(full), compile=True),
            "compile, bfloat16": predicting(deepcopy(half), compile=True),
        }
    return found


def measure(batch: int, threads: int, rounds: int) -> dict[str, Any]:
    """Time every way, in a process of its own."""
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as folder:
        pieces = works(batch, Path(folder))
        exact = pieces["eager"]()
        change = {name: float((work() - exact).abs().max()) for name, work in pieces.items()}
        times = alternate(pieces, device="cpu", warm_up=1, rounds=rounds)
    # Other programs lengthen the time of the clock, but two threads are judged by nothing else.
    seconds = times.processor if threads == 1 else times.wall
    return {
        "seconds": {name: quartiles(values) for name, values in seconds.items()},
        "gain": {name: ratio(seconds, ["eager"], [name]) for name in pieces},
        "change": change,
    }


def table(cells: dict[str, dict[str, Any]]) -> str:
    """Write a row for each runtime, and a column for each number of images and threads."""
    names = {name: None for cell in cells.values() for name in cell["seconds"]}
    rows = []
    for name in names:
        done = [cell for cell in cells.values() if name in cell["gain"]]
        rows.append(
            [
                name,
                *(shown(cell, name) for cell in cells.values()),
                f"{max(cell['change'][name] for cell in done):.1e}",
            ]
        )
    return markdown_table(["runtime", *cells, "change"], rows)


def shown(cell: dict[str, Any], name: str) -> str:
    """Write how many times as fast as eager float32 a runtime is; of that, its seconds."""
    if name not in cell["gain"]:
        return ""
    if name == "eager":
        return f"{cell['seconds'][name][1]:.2f} s"
    return "{1:.2f} ({0:.2f}–{2:.2f})".format(*cell["gain"][name])


def section(measured: dict[str, Any]) -> str:
    """Write the part of the page."""
    parts = [
        "## Runtimes of prediction",
        f"RN101 with random weights, {CLASSES} classes, {SIZE} pixels: seconds of `predict` in "
        "float32, how many times as fast the others are (median and quartiles), and the largest "
        "change of a probability (`python -m benchmarks.runtimes`). Processor seconds on one "
        "thread, those of the clock on two.",
    ]
    for one in measured.values():
        parts += [table(one["cells"]), place(one["environment"])]
    parts.append(
        "Above 1 a runtime pays, below it costs. `--runtime onnx` is offered because it pays on "
        "these processors; it takes a quarter of a minute to write the graph. OpenVINO takes the "
        "file of `trmml export`, but is offered by no flag: in float32 it is not ahead of ONNX "
        "Runtime, and its bfloat16 does not pay where eager bfloat16 does not. `compile` and 1x1 "
        "convolutions as products cost time. Where bfloat16 is below 1, the processor has no "
        "instructions for it, or names some that are not fast: `--dtype auto` takes float32 for "
        "the first kind, and for the second `--dtype float32` has to be asked for."
    )
    return "\n\n".join(parts)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    where = environment("cpu")
    found = {}
    for batch, threads in CELLS:
        with get_context("spawn").Pool(1) as pool:
            cell = pool.apply(measure, (batch, threads, options.rounds))
        found[f"{counted(batch, 'image')}, {counted(threads, 'thread')}"] = cell
    measured: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    measured[str(where["processor"])] = {"cells": found, "environment": where}
    write_atomically(RESULTS, json.dumps(measured, indent=1) + "\n")
    print(section(measured))


def counted(number: int, what: str) -> str:
    """Write such as "1 image" or "8 images"."""
    return f"{number} {what}{'s' * (number > 1)}"


if __name__ == "__main__":
    main()
