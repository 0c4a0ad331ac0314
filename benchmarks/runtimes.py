"""Which runtime is worth having for prediction: `python -m benchmarks.runtimes`.

RN101 with random weights, 80 classes, 448 pixels: `TRMML.predict` as it is, the exported program
compiled by torch, and its ONNX file by ONNX Runtime and by OpenVINO, in float32 and in bfloat16
where there is such a form, on one thread, which a neighbour disturbs least. And the tower's 70 1x1
convolutions as matrix products, which some processors are said to prefer there. All in alternation,
each number of images in a process of its own; and how far probabilities are from those of `predict`
in float32. OpenVINO is no dependency of anything: `pip install openvino`.

Writes `benchmarks/results/runtimes.json`.
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
BATCHES: Final = (1,)

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
    import onnxruntime
    from openvino import Core  # pyright: ignore[reportMissingImports]

    from trmml import TRMML
    from trmml.encoders import compute_in, load_open_clip, normalize_pixels
    from trmml.sharing import export_onnx

    torch.manual_seed(0)
    pair = load_open_clip("RN101", image_size=SIZE, channels_last=True)
    names = [f"class {index}" for index in range(CLASSES)]
    full = TRMML(pair, names, image_size=SIZE, generator=torch.Generator().manual_seed(0)).eval()
    half, products = deepcopy(full), deepcopy(full)
    compute_in(half.encoders.image, "bfloat16")
    tower = products.encoders.image
    if not isinstance(tower, nn.Module):
        raise TypeError("open_clip's towers are modules")
    with_products(tower)
    path = folder / "model.onnx"
    export_onnx(full, path, regions=False)

    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (batch, 3, SIZE, SIZE), generator=generator, dtype=torch.uint8)
    images = normalize_pixels(pixels, full.encoders.image)

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(path, options)
    (name,) = (one.name for one in session.get_inputs())

    def openvino(precision: str) -> Work:
        settings = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        }
        compiled = Core().compile_model(Core().read_model(path), "CPU", settings)
        return lambda: torch.from_numpy(compiled({name: pixels.numpy()})[0])

    def predicting(model: TRMML, *, compile: bool = False) -> Work:
        predict = torch.compile(model.predict) if compile else model.predict
        return lambda: predict(images)

    return {
        "eager": predicting(full),
        "eager, 1x1 as products": predicting(products),
        "eager, bfloat16": predicting(half),
        "compile": predicting(deepcopy(full), compile=True),
        "compile, bfloat16": predicting(deepcopy(half), compile=True),
        "ONNX Runtime": lambda: torch.from_numpy(session.run(None, {name: pixels.numpy()})[0]),
        "OpenVINO": openvino("f32"),
        "OpenVINO, bfloat16": openvino("bf16"),
    }


def measure(batch: int, rounds: int) -> dict[str, Any]:
    """Time every way on one thread, in a process of its own."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        pieces = works(batch, Path(folder))
        exact = pieces["eager"]()
        change = {name: float((work() - exact).abs().max()) for name, work in pieces.items()}
        times = alternate(pieces, device="cpu", warm_up=1, rounds=rounds).processor
    return {
        "seconds": {name: quartiles(values) for name, values in times.items()},
        "gain": {name: ratio(times, ["eager"], [name]) for name in pieces},
        "change": change,
    }


def section(measured: dict[str, Any]) -> str:
    """Write the part of the page."""
    head = ["runtime"]
    for batch in measured["batches"]:
        head += [f"{batch} image{'s' * (int(batch) > 1)}", "times as fast"]
    cells = [*measured["batches"].values()]
    rows = [
        [
            name,
            *(
                text
                for cell in cells
                for text in (
                    f"{cell['seconds'][name][1]:.2f}",
                    "{1:.2f} ({0:.2f}–{2:.2f})".format(*cell["gain"][name]),
                )
            ),
            f"{max(cell['change'][name] for cell in cells):.1e}",
        ]
        for name in cells[0]["seconds"]
    ]
    return "\n\n".join(
        [
            "## Runtimes of prediction",
            f"RN101 with random weights, {CLASSES} classes, {SIZE} pixels, one thread: processor "
            "seconds a batch, how many times as fast as `predict` in float32 that is, and the "
            "largest change of a probability (`python -m benchmarks.runtimes`).",
            markdown_table([*head, "change"], rows),
            "Above 1 a runtime pays, below it costs. `trmml export` writes the file that ONNX "
            "Runtime and OpenVINO take; `trmml predict` itself computes eagerly. Where bfloat16 is "
            "below 1, the processor names instructions for it and is not fast in them: there "
            "`--dtype float32` is the better choice.",
            place(measured["environment"]),
        ]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    found = {}
    for batch in BATCHES:
        with get_context("spawn").Pool(1) as pool:
            found[str(batch)] = pool.apply(measure, (batch, options.rounds))
    measured = {"batches": found, "environment": environment("cpu")}
    write_atomically(RESULTS, json.dumps(measured, indent=1) + "\n")
    print(section(measured))


if __name__ == "__main__":
    main()
