"""The comparison that `trmml demo` runs: zero-shot, the baseline, and TRM-ML on hidden labels."""

from trmml.demo.completion_pictures import draw_completion
from trmml.demo.experiment import DEMO_RECIPE, DemoResult, ProgressBars, run_experiment
from trmml.demo.images import DemoData, ImageSet, photograph_data, world_data
from trmml.demo.region_pictures import draw_regions, save_examples
from trmml.demo.report import write_results

__all__ = [
    "DEMO_RECIPE",
    "DemoData",
    "DemoResult",
    "ImageSet",
    "ProgressBars",
    "draw_completion",
    "draw_regions",
    "photograph_data",
    "run_experiment",
    "save_examples",
    "world_data",
    "write_results",
]
