"""Compare a training step of TRM-ML with a plain one, and see where the time goes.

    python -m benchmarks.training_step

times, by the contract in `measuring.py`, with RN101 and random weights on 448 x 448 images, for
COCO's 80 class names, and writes `benchmarks/results/training_step.json`. `--device cuda` runs it
on a GPU, where it also notes peak memory. Then `python -m benchmarks.write_page` writes the page.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.measuring import alternate, environment, place, quartiles, ratio
from benchmarks.plain_dualcoop import PlainDualCoOp, asymmetric_loss
from benchmarks.public_dualcoop import PublicDualCoOp

RESULTS = Path(__file__).parent / "results" / "training_step.json"
ROWS = {
    "plain": "plain step, float32",
    "public": "step as DualCoOp's public code, float32",
    "float32": "`TRMML` step, float32",
    "bfloat16": "`TRMML` step, bfloat16 towers",
    "shared_contexts": "`TRMML` step, float32, contexts shared by all classes",
    "image": "image tower alone: forward",
    "text": "text tower alone: forward and backward",
    "predict": "`TRMML.predict`, float32",
    "predict_bfloat16": "`TRMML.predict`, bfloat16 tower",
    "predict_plain": "plain prediction, texts encoded once",
    "predict_public": "prediction as DualCoOp's public code",
}
# name: what is divided by what, and where to be below or above
RATIOS: dict[str, tuple[str, list[str], list[str], str]] = {
    "float32": ("plain step / step", ["plain"], ["float32"], ""),
    "public": ("public code's step / step", ["public"], ["float32"], ""),
    "public_bfloat16": ("public code's step / step in bfloat16", ["public"], ["bfloat16"], ""),
    "public_shared": ("public code's step / step, shared", ["public"], ["shared_contexts"], ""),
    "bfloat16": ("step / step in bfloat16", ["float32"], ["bfloat16"], ""),
    "predicting": ("plain prediction / prediction", ["predict_plain"], ["predict"], ""),
    "predicting_public": (
        "public code's prediction / prediction",
        ["predict_public"],
        ["predict"],
        "",
    ),
    "predicting_bfloat16": (
        "prediction / prediction in bfloat16",
        ["predict"],
        ["predict_bfloat16"],
        "",
    ),
    "whole": ("step / image and text alone", ["float32"], ["image", "text"], "<= 1.10"),
    "prediction": ("prediction / image tower alone", ["predict"], ["image"], "<= 1.03"),
}
# These come close to 1, and what they compare is short: they get rounds of their own.
CLOSE = ("whole", "prediction")
CLOSE_ROUNDS = 4  # times as many
LEARNING_RATE = 1e-3


def works(
    device: str,
    batch_size: int,
    image_size: int,
    *,
    num_classes: int = 80,
    only: Sequence[str] = tuple(ROWS),
) -> dict[str, Callable[[], object]]:
    """Return pieces of work to be timed, by name; the classes are COCO's, over and over."""
    import open_clip

    from trmml import TRMML
    from trmml.data import hide_labels
    from trmml.data.class_names import COCO_NAMES
    from trmml.encoders import load_open_clip
    from trmml.models import Batch, TRMMLConfig, TRMMLTask

    names = [COCO_NAMES[index % len(COCO_NAMES)] for index in range(num_classes)]
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(batch_size, 3, image_size, image_size, generator=generator).to(device)
    # COCO has 2.9 labels per image of 80 classes.
    truth = 2 * (torch.rand(batch_size, num_classes, generator=generator) < 2.9 / 80).long() - 1
    labels = hide_labels(truth, 0.1).to(device)

    @cache
    def peer(kind: type[PlainDualCoOp], architecture: str) -> PlainDualCoOp:
        clip = open_clip.create_model(architecture, force_image_size=image_size)
        return kind(clip, open_clip.get_tokenizer(architecture), names).to(device)

    plain = partial(peer, PlainDualCoOp, "RN101")
    public = partial(peer, PublicDualCoOp, "RN101-quickgelu")

    def peers_step(of: Callable[[], PlainDualCoOp]) -> Callable[[], None]:
        model = of()
        optimizer = torch.optim.SGD([model.context], lr=LEARNING_RATE)

        def step() -> None:
            optimizer.zero_grad()
            asymmetric_loss(model(images), labels).backward()
            optimizer.step()

        return step

    def peers_prediction(of: Callable[[], PlainDualCoOp], *, again: bool) -> Callable[[], Tensor]:
        model = of()
        with torch.no_grad():
            text = None if again else model.encode_text()
        return torch.no_grad()(lambda: model(images, text))

    def model_of(dtype: torch.dtype, *, class_specific: bool = True) -> TRMML:
        pair = load_open_clip("RN101", image_size=image_size, dtype=dtype, channels_last=True)
        config = TRMMLConfig(class_specific=class_specific)
        return TRMML(pair, names, config=config).to(device)

    def step_of(model: TRMML) -> Callable[[], None]:
        optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)
        task, batch = TRMMLTask(model.train()), Batch(images, labels)

        def step() -> None:
            optimizer.zero_grad()
            task(batch)["total"].backward()
            optimizer.step()

        return step

    def prediction_of(model: TRMML) -> Callable[[], Tensor]:
        with torch.no_grad():
            model.eval().text_features()  # computed once for all predictions
        return lambda: model.predict(images)

    single = cache(lambda: model_of(torch.float32))

    def text() -> Callable[[], None]:
        prompts = single().prompts

        def both_ways() -> None:
            prompts.zero_grad()
            torch.stack(prompts()).sum().backward()

        return both_ways

    built: dict[str, Callable[[], Callable[[], object]]] = {
        "plain": lambda: peers_step(plain),
        "public": lambda: peers_step(public),
        "float32": lambda: step_of(single()),
        "bfloat16": lambda: step_of(model_of(torch.bfloat16)),
        "shared_contexts": lambda: step_of(model_of(torch.float32, class_specific=False)),
        "image": lambda: lambda: single().image_encoder.encode_dense(images),
        "text": text,
        "predict": lambda: prediction_of(model_of(torch.float32)),
        "predict_bfloat16": lambda: prediction_of(model_of(torch.bfloat16)),
        "predict_plain": lambda: peers_prediction(plain, again=False),
        "predict_public": lambda: peers_prediction(public, again=True),
    }
    return {name: build() for name, build in built.items() if name in only}


def tera_operations(work: Callable[[], object]) -> float:
    """Count the floating-point operations of matrix products and convolutions, in 10^12."""
    # Products within a fused attention are counted by some releases of torch only.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        work()
    return round(counter.get_total_flops() / 1e12, 3)


def peak_gib(work: Callable[[], object]) -> float:
    """Return the most memory of the GPU that was taken at once."""
    torch.cuda.reset_peak_memory_stats()
    work()
    return round(torch.cuda.max_memory_allocated() / 2**30, 3)


def judged(value: float, target: str) -> str:
    """Return a target, and whether a value meets it."""
    if not target:
        return "–"
    sign, bound = target.split()
    met = value >= float(bound) if sign == ">=" else value <= float(bound)
    return f"{target}, {'met' if met else 'missed'}"


def section(measured: dict) -> str:
    """Return the part of the docs page that shows the results; rows they lack say so."""
    setting = measured["setting"]
    lines = [
        "## A training step",
        "",
        f"RN101 with random weights, {setting['image_size']} × {setting['image_size']} images, "
        f"{setting['classes']} classes, batch {setting['batch_size']}; {setting['rounds']} rounds "
        f"in alternation after {setting['warm_up']} of warm-up, {setting['close_rounds']} for the "
        "last two quotients.",
        "",
        place(measured["environment"]),
        "",
        "| | seconds (quartiles) | processor seconds | images per second | 10¹² operations |",
        "|---|---|---|---|---|",
    ]
    for name, title in ROWS.items():
        if name not in measured["seconds"]:
            lines.append(f"| {title} | not measured | – | – | – |")
            continue
        low, middle, high = measured["seconds"][name]
        busy = measured["processor_seconds"][name][1]
        rate = setting["batch_size"] / middle
        lines.append(
            f"| {title} | {middle:.2f} ({low:.2f}–{high:.2f}) | {busy:.2f} | {rate:.2f} | "
            f"{measured['tera_operations'][name]:.3f} |"
        )
    lines += ["", "| | measured (quartiles) | target | by operations alone |", "|---|---|---|---|"]
    for name, (title, above, below, target) in RATIOS.items():
        if name not in measured["ratios"]:
            lines.append(f"| {title} | not measured | {target or '–'} | – |")
            continue
        low, middle, high = measured["ratios"][name]
        operations = measured["tera_operations"]
        bound = sum(operations[n] for n in above) / sum(operations[n] for n in below)
        lines.append(
            f"| {title} | {middle:.2f} ({low:.2f}–{high:.2f}) | {judged(middle, target)} | "
            f"{bound:.2f} |"
        )
    lines += [
        "",
        "The plain step (`benchmarks/plain_dualcoop.py`) is DualCoOp's, with open_clip's modules "
        "as they come and prompts of all 77 tokens. Its public code does more for the same result "
        "(`benchmarks/public_dualcoop.py` says what, and does it). "
        "Operations are those of matrix products and convolutions; their quotient is what a step "
        "could gain if both ran equally well. bfloat16 pays only on a processor with instructions "
        "for it (`avx512_bf16`, `amx_bf16`) or on a GPU, and not on every such processor: see the "
        "runtimes below.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--image-size", type=int, default=448)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    pieces = works(options.device, options.batch_size, options.image_size)
    operations = {name: tera_operations(work) for name, work in pieces.items()}
    times = alternate(pieces, device=options.device, warm_up=1, rounds=options.rounds)
    close = {
        name: alternate(
            {part: pieces[part] for part in (*RATIOS[name][1], *RATIOS[name][2])},
            device=options.device,
            warm_up=0,
            rounds=CLOSE_ROUNDS * options.rounds,
        ).wall
        for name in CLOSE
    }
    where = environment(options.device)
    result = {
        "setting": {
            "batch_size": options.batch_size,
            "image_size": options.image_size,
            "classes": 80,
            "warm_up": 1,
            "rounds": options.rounds,
            "close_rounds": CLOSE_ROUNDS * options.rounds,
        },
        "seconds": {name: quartiles(values) for name, values in times.wall.items()},
        "processor_seconds": {name: quartiles(values) for name, values in times.processor.items()},
        "ratios": {
            name: ratio(close.get(name, times.wall), above, below)
            for name, (_, above, below, _) in RATIOS.items()
        },
        "tera_operations": operations,
        "environment": where,
    }
    if options.device == "cuda":
        result["peak_gib"] = {name: peak_gib(work) for name, work in pieces.items()}
    options.output.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
