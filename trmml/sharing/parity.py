"""Does an exported file compute what the model computes?"""

from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from trmml.models import MultiLabelModel
from trmml.onnx_graph import onnx_runner
from trmml.sharing.deployable import DeployableModel

__all__ = ["largest_difference", "run_exported"]


def run_exported(
    path: str | Path, pixels: UInt8[Tensor, "batch 3 height width"]
) -> list[Float[Tensor, "batch classes *grid"]]:
    """Run an exported file on the CPU.

    Args:
        path: A file of `export_pt2`, if that is its suffix, or of `export_onnx`.
        pixels: Images of the size it was made for, red, green and blue.

    Returns:
        Probabilities and, if the graph has them, region maps.

    Raises:
        ModuleNotFoundError: If the file is an ONNX file and `onnxruntime` is not installed.
    """
    if Path(path).suffix == ".pt2":
        with torch.no_grad():
            return list(torch.export.load(path).module()(pixels))
    return onnx_runner(path)(pixels)


def largest_difference(
    model: MultiLabelModel, path: str | Path, *, batch: int = 3, seed: int = 0
) -> float:
    """Compare an exported file with its model on images of noise.

    Args:
        model: What was exported. It is compared as it is in float32 on the CPU.
        path: File of `export_onnx` or `export_pt2`.
        batch: Number of images.
        seed: Of the noise.

    Returns:
        The largest difference between two probabilities, or two entries of the region maps.

    Raises:
        FloatingPointError: If the model or the file gives something that is no finite number.
    """
    generator = torch.Generator().manual_seed(seed)
    shape = (batch, 3, model.image_size, model.image_size)
    pixels = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    found = run_exported(path, pixels)
    expected = DeployableModel(model, regions=len(found) > 1)(pixels)
    for source, outputs in ((model, expected), (path, found)):
        if not all(bool(output.isfinite().all()) for output in outputs):
            who = f"{path}" if source is path else type(model).__name__
            raise FloatingPointError(
                f"{who} must give finite numbers to be compared, got nan or infinity for images of "
                "noise; look at the model's weights."
            )
    return max(float((a - b).abs().max()) for a, b in zip(found, expected, strict=True))
