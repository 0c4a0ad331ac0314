"""What every frozen image tower shares: input checks, precision, no autograd."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import nullcontext
from copy import deepcopy
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from trmml.encoders.frozen import FrozenModule
from trmml.encoders.frozen_copies import FrozenCopies
from trmml.encoders.protocol import ImageEncoder, ImageFeatures

__all__ = ["DenseFeatures", "ImageTower", "towers_in"]

DenseFeatures = tuple[Float[Tensor, "batch positions dim"], tuple[int, int]]
"""Features of the positions, and the height and width of their grid."""


class ImageTower(FrozenModule, ABC):
    """A frozen image tower with dense features in the joint space; one subclass per family.

    Features come back in the dtype of the images, whatever the tower computes in, and carry no
    gradient history: they are ordinary tensors that later layers can learn from.

    Args:
        visual: The image tower itself; it is frozen in place.
        dim: Size of the joint space.
        stride: Height and width of the patch of pixels behind one position.
        native_size: Height and width that the tower was made for, always accepted.
        mean: Channel means of its images, of pixels in [0, 1].
        std: Channel standard deviations, likewise.
        channels_last: Whether to keep weights and images channels-last, the layout in which tensor
            cores convolve; the same numbers up to rounding.
        autocast_dtype: Precision of the tower's matrix products; None leaves it to the training
            loop's own autocast, and to the weights where there is none.

    Attributes:
        image_size: Height and width its images should come in: at first the tower's own size. Any
            other size that `stride` divides works as well.
        graph: Computes dense features in torch's place, see `trmml.encoders.run_by`; returns None
            for images that it does not take.
    """

    def __init__(
        self,
        visual: nn.Module,
        *,
        dim: int,
        stride: tuple[int, int],
        native_size: tuple[int, int],
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
        channels_last: bool = False,
        autocast_dtype: torch.dtype | None = None,
    ) -> None:
        """Freeze the tower and note what its images look like."""
        super().__init__()
        self.visual = visual
        self.dim = dim
        self.stride = stride
        self.native_size = native_size
        self.image_size = native_size
        self.graph: Callable[[Tensor], DenseFeatures | None] | None = None
        self.mean = mean
        self.std = std
        self.channels_last = channels_last
        self.autocast_dtype = autocast_dtype
        self._copies = FrozenCopies(visual)
        if channels_last:
            visual.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.freeze()

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> ImageFeatures:
        """Return dense and pooled features; height and width must be multiples of `stride`."""
        dense, pooled, grid = self._run(images, with_pooled=True)
        return ImageFeatures(dense, cast(Tensor, pooled), grid)

    def encode_dense(self, images: Float[Tensor, "batch 3 height width"]) -> DenseFeatures:
        """Return dense features and their grid; the pooling head is not computed at all."""
        found = None if self.graph is None else self.graph(images)
        if found is not None:
            return found
        dense, _, grid = self._run(images, with_pooled=False)
        return dense, grid

    def set_image_size(self, side: int) -> None:
        """Choose the side in pixels of the square images to come.

        Raises:
            ValueError: If the tower's stride does not divide it.
        """
        self._check_size(side, side)
        self.image_size = (side, side)

    def copy_for_graph(self) -> "ImageTower":
        """Return a copy to write down as a graph, in float32 and in the plain layout."""
        copied = deepcopy(self).float()
        copied.prepare_for_graph()
        copied.to(memory_format=torch.contiguous_format)  # pyright: ignore[reportCallIssue]
        return copied

    def prepare_for_graph(self) -> None:
        """Set aside what is of the machine at hand and not of the tower."""
        self.channels_last, self.autocast_dtype, self.graph = False, None, None

    @abstractmethod
    def _encode(
        self, images: Float[Tensor, "batch 3 height width"], *, with_pooled: bool
    ) -> tuple[
        Float[Tensor, "batch positions dim"], Float[Tensor, "batch dim"] | None, tuple[int, int]
    ]:
        """Return dense features, pooled ones if asked for, and the grid."""

    def _run(
        self, images: Float[Tensor, "batch 3 height width"], *, with_pooled: bool
    ) -> tuple[
        Float[Tensor, "batch positions dim"], Float[Tensor, "batch dim"] | None, tuple[int, int]
    ]:
        self._check_size(images.shape[-2], images.shape[-1])
        dtype = images.dtype
        # the first convolution takes the images, so its precision is the tower's
        inputs = images.to(next(p.dtype for p in self.visual.parameters() if p.ndim == 4))
        if self.channels_last:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        autocast = nullcontext()
        if self.autocast_dtype is not None:
            autocast = torch.autocast(images.device.type, self.autocast_dtype)
        with torch.no_grad(), autocast:
            dense, pooled, grid = self._encode(inputs, with_pooled=with_pooled)
        return dense.to(dtype), None if pooled is None else pooled.to(dtype), grid

    def _ready(self, device: torch.device) -> Any:  # noqa: ANN401 - any library's tower
        """Return `visual` with its weights in the precision of an autocast already."""
        return self._copies.ready(device)

    def _check_size(self, height: int, width: int) -> None:
        if (height, width) == self.native_size:
            return
        rows, columns = self.stride
        if height < rows or width < columns or height % rows or width % columns:
            raise ValueError(
                f"`images` must have a height divisible by {rows} and a width divisible by "
                f"{columns}, got {height} x {width}; resize, crop or pad them."
            )


def towers_in(encoder: ImageEncoder) -> list[ImageTower]:
    """Return the towers that an encoder is or holds; none for one's own."""
    parts = encoder.modules() if isinstance(encoder, nn.Module) else ()
    return [part for part in parts if isinstance(part, ImageTower)]
