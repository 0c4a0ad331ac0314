"""A model as one graph of torch, in memory or in a `.pt2` file."""

import json
from pathlib import Path

import torch
from torch.export import Dim, ExportedProgram

from trmml.models import TextRegionMatcher
from trmml.sharing.deployable import DeployableModel
from trmml.sharing.graph_card import METADATA_KEY, describe, writing

__all__ = ["export_program", "export_pt2"]


def export_program(model: TextRegionMatcher, *, regions: bool = True) -> ExportedProgram:
    """Write the prediction of a model down as one graph, for any batch of square images.

    The graph holds the image tower, the region head and the fixed text features, in float32 on the
    CPU. It takes 8-bit pixels [batch 3 size size], red, green and blue, and scales and normalises
    them itself; `model.image_size` is the only size. It returns probabilities [batch classes] and
    region maps [batch classes height width], as `trmml.models.trmml.region_maps` gives them.

    Args:
        model: A trained model, left as it is.
        regions: Whether the graph returns region maps.

    Raises:
        ValueError: If the model's image tower is no `nn.Module`.
    """
    deployable = DeployableModel(model, regions=regions)
    with torch.no_grad():
        return torch.export.export(
            deployable, (deployable.example(),), dynamic_shapes=({0: Dim("batch")},)
        )


def export_pt2(model: TextRegionMatcher, path: str | Path, *, regions: bool = True) -> None:
    """Write `export_program`'s graph to a `.pt2` file, for `torch.export.load`.

    The description of the model, as `export_onnx` writes it, is beside the file, and inside it as
    the extra file "trmml".

    Args:
        model: A trained model, left as it is.
        path: File to write; its folder must exist.
        regions: Whether the graph returns region maps.

    Raises:
        ValueError: If the model's image tower is no `nn.Module`.
    """
    program, description = export_program(model, regions=regions), describe(model, regions=regions)
    with writing(Path(path), description) as file:
        torch.export.save(program, file, extra_files={METADATA_KEY: json.dumps(description)})
