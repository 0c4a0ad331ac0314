"""Count parameters and multiply-adds of TRM-ML beside Table 5 of the paper.

    python benchmarks/method_figures.py

writes `benchmarks/results/method_figures.json` and prints the table of `docs/figures.md`. The
weights are random: no figure here depends on their values.
"""

import json
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

RESULTS = Path(__file__).parent / "results" / "method_figures.json"
UNIT = 2**20  # the paper's "M": its 1.25 M prompts are 80 x 16 x 512 x 2 numbers
PAPER = {"total": 96.72, "learnable": 6.80, "frozen": 89.92, "multiply_adds": 37.50}


def measure() -> dict[str, float]:
    """Count RN101, 80 classes, 448 x 448 the way the paper's Table 5 does.

    The paper leaves out the attention pool's position table, which the dense features do not use,
    and the token table, which is looked up.
    """
    from open_clip import create_model, get_tokenizer

    from trmml import TRMML
    from trmml.encoders import EncoderSource, wrap_open_clip

    clip = create_model("RN101")
    encoders = wrap_open_clip(
        clip,
        get_tokenizer("RN101"),
        source=EncoderSource("open_clip", "RN101", None),
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
    )
    model = TRMML(encoders, [f"class {index}" for index in range(80)]).eval()
    left_out = ("visual.attnpool.positional_embedding", "token_embedding.weight")
    frozen = sum(p.numel() for name, p in clip.named_parameters() if name not in left_out)
    learnable = sum(p.numel() for p in model.parameters())
    with torch.no_grad():
        model.text_features()  # once per model, not per image
        with FlopCounterMode(display=False) as counter:
            model(torch.zeros(1, 3, 448, 448))
    return {
        "total": round((frozen + learnable) / UNIT, 2),
        "learnable": round(learnable / UNIT, 2),
        "frozen": round(frozen / UNIT, 2),
        "multiply_adds": round(counter.get_total_flops() / 2 / 1e9, 2),
    }


def table(measured: dict[str, float]) -> str:
    """Write the measured figures beside the paper's as Markdown."""
    rows = {
        "learnable": "Learnable parameters (2^20)",
        "frozen": "Frozen parameters (2^20)",
        "total": "Total parameters (2^20)",
        "multiply_adds": "Multiply-adds of the image path (10^9)",
    }
    lines = ["| RN101, 80 classes, 448 x 448 | paper, Table 5 | here |", "|---|---:|---:|"]
    lines += [
        f"| {title} | {PAPER[key]:.2f} | {measured[key]:.2f} |" for key, title in rows.items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    figures = measure()
    RESULTS.write_text(json.dumps({"paper": PAPER, "measured": figures}, indent=2) + "\n")
    print(table(figures))
