"""What runs an image tower for prediction: torch as it is, or ONNX Runtime."""

from typing import Any, Final, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from trmml.choices import check_choice
from trmml.encoders.compute_dtype import ComputeDtype, compute_in
from trmml.encoders.image_tower import DenseFeatures, ImageTower, towers_in
from trmml.encoders.protocol import ImageEncoder
from trmml.onnx_graph import check_onnx_installed, onnx_runner, size_beyond_onnx, to_onnx

__all__ = ["Runtime", "run_by"]

Runtime = Literal["eager", "onnx"]

MOST_OFF: Final = 1e-3  # what a graph may differ from torch by; rounding is a thousandth of it


def run_by(
    encoder: ImageEncoder,
    runtime: Runtime,
    *,
    image_size: int,
    dtype: ComputeDtype = "float32",
) -> str:
    """Choose what runs an image tower, and in which precision; say in words what it is.

    ONNX Runtime takes a graph that is written here, from the weights as they are now. For RN101
    that lasts a quarter of a minute, so it pays for hundreds of images. What is gained is on the
    page of benchmarks. Features are those of float32, up to rounding.

    Args:
        encoder: Changed in place, where it lies.
        runtime: "eager" is torch; "onnx" is ONNX Runtime, on the processor, for dense features.
        image_size: Side in pixels of the images to come. Others are computed by torch.
        dtype: As in `compute_in`; "onnx" computes in float32, which "auto" then is.

    Returns:
        Such as "float32, by ONNX Runtime".

    Raises:
        ModuleNotFoundError: If what "onnx" needs is not installed.
        ValueError: If there is no such runtime or precision, both do not go together, or the tower
            is one of one's own, on a GPU, too large for a graph of ONNX, or its graph computes
            something else, as those of older exporters may.

    Examples:
        >>> from trmml.encoders import load_tiny
        >>> run_by(load_tiny().image, "eager", image_size=224)
        'float32, as asked for'
    """
    check_choice(runtime, Runtime, argument="runtime")
    towers = towers_in(encoder)
    for tower in towers:
        tower.graph = None
    if runtime == "eager":
        return compute_in(encoder, dtype)
    if dtype == "bfloat16":
        raise ValueError(
            "`dtype` must be 'float32' or 'auto' with the runtime 'onnx', got 'bfloat16', which "
            "the runtime 'eager' computes in."
        )
    compute_in(encoder, "float32")
    if not towers:
        raise ValueError(
            "`runtime` must be 'eager' for a tower of one's own, got 'onnx': nobody knows whether "
            "it can be written as a graph."
        )
    place = next(towers[0].parameters()).device.type
    if place != "cpu":
        raise ValueError(
            f"`runtime` must be 'eager' on {place}, got 'onnx', which computes on the processor; "
            "to have that, choose the device 'cpu'."
        )
    check_onnx_installed("onnxruntime")
    for tower in towers:
        tower.graph = _DenseGraph(tower, image_size)
    return "float32, by ONNX Runtime"


class _DenseGraph:
    """A tower's dense features for images of one size, computed by ONNX Runtime."""

    def __init__(self, tower: ImageTower, side: int) -> None:
        plain = tower.copy_for_graph()
        example = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            self.size, (dense, self.grid) = (side, side), plain.encode_dense(example)
            self.shape = dense.shape[1:]
            program = torch.export.export(
                _OnlyDense(plain), (example,), dynamic_shapes=({0: torch.export.Dim("batch")},)
            )
        if (size := size_beyond_onnx(program.state_dict)) is not None:
            raise ValueError(
                f"`runtime` must be 'eager' for a tower of 2 GiB and more, got 'onnx' for {size}."
            )
        graph = to_onnx(program, inputs=["images"], outputs=["dense"])
        threads = torch.get_num_threads()
        self.run = onnx_runner(graph.model_proto.SerializeToString(), threads=threads)
        off = float((self.run(example)[0] - dense).abs().max() / dense.abs().max())
        if not off < MOST_OFF:  # as with the oldest exporter that is allowed, for a transformer
            raise ValueError(
                f"`runtime` must be 'eager' for this tower, got 'onnx', whose features are off by "
                f"{off:.1e} of the largest; a newer onnxscript may write a better graph."
            )

    def __call__(self, images: Float[Tensor, "batch 3 height width"]) -> DenseFeatures | None:
        """Return dense features and their grid; None for images that it was not written for."""
        if (images.shape[2], images.shape[3]) != self.size or images.device.type != "cpu":
            return None
        if not len(images):  # of which the graphs of some releases cannot tell the positions
            return images.new_zeros(0, *self.shape), self.grid
        (dense,) = self.run(images.float())
        return dense.to(images.dtype), self.grid

    def __deepcopy__(self, memo: dict[int, Any]) -> "_DenseGraph":
        return self  # never changed; and a session cannot be copied


class _OnlyDense(nn.Module):
    """A tower that returns dense features alone."""

    def __init__(self, tower: ImageTower) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, images: Tensor) -> Tensor:
        return self.tower.encode_dense(images)[0]
