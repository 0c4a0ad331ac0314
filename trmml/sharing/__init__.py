"""Giving a trained model away: as one graph that predicts without this library."""

from trmml.sharing.deployable import DeployableModel
from trmml.sharing.onnx_file import export_onnx
from trmml.sharing.parity import largest_difference, run_exported
from trmml.sharing.program import export_program, export_pt2

__all__ = [
    "DeployableModel",
    "export_onnx",
    "export_program",
    "export_pt2",
    "largest_difference",
    "run_exported",
]
