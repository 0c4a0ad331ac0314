"""Count parameters and multiply-adds of TRM-ML and DualCoOp beside Table 5 of the paper.

    python benchmarks/method_figures.py

writes `benchmarks/results/method_figures.json` and prints the table of `docs/figures.md`, and what
a saved model takes on disk. The weights are random: no figure here depends on their values.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch.utils.flop_counter import FlopCounterMode

RESULTS = Path(__file__).parent / "results" / "method_figures.json"
UNIT = 2**20  # the paper's "M": its 1.25 M prompts are 80 x 16 x 512 x 2 numbers
METHODS = {"DualCoOp": "dualcoop", "TRM-ML": "all"}  # as `trmml.models.ABLATIONS` calls them
PAPER = {
    "DualCoOp": {"total": 91.17, "learnable": 1.25, "frozen": 89.92, "multiply_adds": 36.97},
    "TRM-ML": {"total": 96.72, "learnable": 6.80, "frozen": 89.92, "multiply_adds": 37.50},
}
SAVED = ("RN101", "RN50")
ROWS = {
    "learnable": "learnable parameters (2^20)",
    "frozen": "frozen parameters (2^20)",
    "total": "total parameters (2^20)",
    "multiply_adds": "multiply-adds of the image path (10^9)",
}

Figures = dict[str, dict[str, float]]


def measure() -> Figures:
    """Count RN101, 80 classes, 448 x 448 in the way of the paper's Table 5, for each method.

    Left out are the attention pool's position table, which the dense features do not use, and the
    token table, which is looked up.
    """
    from open_clip import create_model, get_tokenizer

    from trmml import TRMML
    from trmml.encoders import EncoderSource, wrap_open_clip
    from trmml.models import ABLATIONS

    clip = create_model("RN101")
    left_out = ("visual.attnpool.positional_embedding", "token_embedding.weight")
    frozen = sum(p.numel() for name, p in clip.named_parameters() if name not in left_out)
    encoders = wrap_open_clip(
        clip,
        get_tokenizer("RN101"),
        source=EncoderSource("open_clip", "RN101", None),
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
    )
    names = [f"class {index}" for index in range(80)]
    figures: Figures = {}
    for method, row in METHODS.items():
        model = TRMML(encoders, names, config=ABLATIONS[row]).eval()
        learnable = sum(p.numel() for p in model.parameters())
        with torch.no_grad():
            model.text_features()  # once per model, not per image
            with FlopCounterMode(display=False) as counter:
                model(torch.zeros(1, 3, 448, 448))
        figures[method] = {
            "total": round((frozen + learnable) / UNIT, 2),
            "learnable": round(learnable / UNIT, 2),
            "frozen": round(frozen / UNIT, 2),
            "multiply_adds": round(counter.get_total_flops() / 2 / 1e9, 2),
        }
    return figures


def saved_mib(name: str) -> float:
    """Save the whole method on an open_clip model for COCO's classes; return its size in MiB."""
    from trmml import TRMML
    from trmml.data.class_names import COCO_NAMES

    model = TRMML.from_open_clip(name, class_names=COCO_NAMES, pretrained=None)
    with TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        written = sum(file.stat().st_size for file in Path(folder).iterdir())
    return round(written / 2**20, 1)


def table(measured: Figures) -> str:
    """Write the measured figures beside the paper's as Markdown, the difference of both last."""
    lines = ["| RN101, 80 classes, 448 x 448 | paper, Table 5 | here |", "|---|---:|---:|"]
    for method, figures in measured.items():
        lines += [
            f"| {method}: {title} | {PAPER[method][key]:.2f} | {figures[key]:.2f} |"
            for key, title in ROWS.items()
        ]
    more = [
        figures["TRM-ML"]["multiply_adds"] - figures["DualCoOp"]["multiply_adds"]
        for figures in (PAPER, measured)
    ]
    title = "TRM-ML above DualCoOp: multiply-adds (10^9)"
    return "\n".join([*lines, f"| {title} | {more[0]:.2f} | {more[1]:.2f} |"])


if __name__ == "__main__":
    counted, saved = measure(), {name: saved_mib(name) for name in SAVED}
    results = {"paper": PAPER, "measured": counted, "saved_mib": saved}
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    print(table(counted))
    print(", ".join(f"{name}: {mib} MiB saved" for name, mib in saved.items()))
