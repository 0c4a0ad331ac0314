"""What of a model is needed to predict, and nothing else."""

from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from trmml.encoders import normalize_pixels
from trmml.encoders.image_tower import towers_in
from trmml.models import MultiLabelModel
from trmml.typed_module import TypedModule

__all__ = ["DeployableModel", "shows_regions"]


def shows_regions(model: MultiLabelModel, wanted: bool | None) -> bool:
    """Say whether a graph of a model returns regions.

    Args:
        model: What is exported.
        wanted: None follows the model.

    Raises:
        ValueError: If they are asked for and the model has none.
    """
    if wanted and not model.has_regions:
        raise ValueError(
            f"`regions` must be False for a {type(model).__name__}, which only scores whole "
            "photographs, got True."
        )
    return model.has_regions if wanted is None else wanted


class DeployableModel(TypedModule):
    """The predicting half of a model with its text features fixed: pixels in, probabilities out.

    A copy in float32 on the CPU, by the model's `for_prediction`; the model itself is left alone.
    Neither the text tower nor what only training needs, nor any other weight that prediction does
    not touch, is in it. The scaling and normalisation of the pixels are.

    Args:
        model: What to copy; in training mode too, it is the eval mode that is copied.
        regions: Whether to return where each class is seen, beside its probability; None does so
            where the model has regions.

    Raises:
        ValueError: If the model's image tower is no `nn.Module`, or it has no regions to return.

    Examples:
        >>> from trmml import TRMML
        >>> from trmml.encoders import load_tiny
        >>> model = TRMML(load_tiny(), ["tree", "boat"], image_size=64)
        >>> deployable = DeployableModel(model)
        >>> probabilities, regions = deployable(torch.zeros(3, 3, 64, 64, dtype=torch.uint8))
        >>> probabilities.shape, regions.shape
        (torch.Size([3, 2]), torch.Size([3, 2, 2, 2]))
    """

    def __init__(self, model: MultiLabelModel, *, regions: bool | None = None) -> None:
        """Copy what prediction needs."""
        super().__init__()
        self.regions = shows_regions(model, regions)
        if not isinstance(model.image_encoder, nn.Module):
            raise ValueError(
                "`model` must have an image tower that is an `nn.Module`, got "
                f"{type(model.image_encoder).__name__}; only a module can be written as a graph."
            )
        matcher: Any = model.for_prediction({}).to("cpu", torch.float32).eval()
        # Files keep weights in their plain layout.
        self.image_encoder = matcher.image_encoder.to(memory_format=torch.contiguous_format)
        for tower in towers_in(self.image_encoder):
            tower.prepare_for_graph()
        matcher.image_projection = None  # the encoder has it too
        self.matcher = matcher
        self.image_size = model.image_size
        self.requires_grad_(False)
        _drop_unused(self, self.example())

    def example(self, batch: int = 2) -> UInt8[Tensor, "batch 3 height width"]:
        """Return black images of the size that the model was made for."""
        return torch.zeros(batch, 3, self.image_size, self.image_size, dtype=torch.uint8)

    def forward(
        self, pixels: UInt8[Tensor, "batch 3 height width"]
    ) -> (
        tuple[Float[Tensor, "batch classes"], Float[Tensor, "batch classes rows columns"]]
        | tuple[Float[Tensor, "batch classes"]]
    ):
        """Return every class's probability and, if asked for, its map on the tower's grid."""
        output = self.matcher(normalize_pixels(pixels, self.image_encoder))
        probabilities = output.logits.sigmoid()
        if not self.regions:
            return (probabilities,)
        return probabilities, self.matcher.region_maps(output)


class _Touched(TorchDispatchMode):
    """Note every tensor that takes part in a computation."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[int] = set()

    def __torch_dispatch__(
        self,
        func: Any,  # noqa: ANN401 - an operator of torch
        types: Any,  # noqa: ANN401
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        for value in (*args, *(kwargs or {}).values()):
            leaves = value if isinstance(value, list | tuple) else [value]
            self.seen |= {id(leaf) for leaf in leaves if isinstance(leaf, Tensor)}
        return func(*args, **(kwargs or {}))


def _drop_unused(model: nn.Module, *example: Tensor) -> None:
    """Take away every weight that the forward pass on `example` does not read."""
    with torch.no_grad(), _Touched() as touched:
        model(*example)
    for part in model.modules():
        for name, value in list(part.named_parameters(recurse=False)):
            if id(value) not in touched.seen:
                part.register_parameter(name, None)
        for name, value in list(part.named_buffers(recurse=False)):
            if id(value) not in touched.seen:
                part.register_buffer(name, None)
