"""A model as one graph of torch, in memory or in a `.pt2` file."""

from pathlib import Path

import torch
from torch.export import Dim, ExportedProgram

from trmml.json_text import json_text
from trmml.models import MultiLabelModel
from trmml.sharing.deployable import DeployableModel, shows_regions
from trmml.sharing.graph_card import METADATA_KEY, describe, writing

__all__ = ["export_program", "export_pt2"]


def export_program(model: MultiLabelModel, *, regions: bool | None = None) -> ExportedProgram:
    """Write the prediction of a model down as one graph, for any batch of square images.

    The graph holds the image tower, the model's head and its fixed text features, in float32 on the
    CPU. It takes 8-bit pixels [batch 3 size size], red, green and blue, and scales and normalises
    them itself; `model.image_size` is the only size. It returns probabilities [batch classes] and
    region maps [batch classes height width], as the model's `region_maps` gives them.

    Args:
        model: A trained model, left as it is.
        regions: Whether the graph returns region maps; None does so where the model has regions.

    Raises:
        ValueError: If the model's image tower is no `nn.Module`, or it has no regions to return.
    """
    deployable = DeployableModel(model, regions=regions)
    with torch.no_grad():
        return torch.export.export(
            deployable, (deployable.example(),), dynamic_shapes=({0: Dim("batch")},)
        )


def export_pt2(model: MultiLabelModel, path: str | Path, *, regions: bool | None = None) -> None:
    """Write `export_program`'s graph to a `.pt2` file, for `torch.export.load`.

    The description of the model, as `export_onnx` writes it, is beside the file, and inside it as
    the extra file "trmml".

    Args:
        model: A trained model, left as it is.
        path: File to write; its folder must exist.
        regions: As in `export_program`.

    Raises:
        ValueError: As `export_program`.
    """
    regions = shows_regions(model, regions)
    program, description = export_program(model, regions=regions), describe(model, regions=regions)
    with writing(Path(path), description) as file:
        torch.export.save(program, file, extra_files={METADATA_KEY: json_text(description)})
