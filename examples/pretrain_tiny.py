"""Pre-train the tiny encoder pair that ships with trmml, from nothing, on generated scenes.

Contrastive training as CLIP does it, on pairs of a scene and a caption. The weights in the package
come from:

    python examples/pretrain_tiny.py --out runs/tiny

It may be stopped at any time; the same command goes on from its last checkpoint, as it did once for
the weights in the package, at step 800. Sums in another order of threads round differently: a run
gives weights that are as good, not the same bits. Its card, `tiny.json`, holds what it measured.
"""

import argparse
import hashlib
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from pretraining.checkpoints import load_checkpoint, save_checkpoint, write_atomically
from pretraining.contrast import contrast
from pretraining.pairs import Pairs
from pretraining.text import Tokens, all_tokens, encode_text
from pretraining.zero_shot import zero_shot
from safetensors.torch import save
from torch import nn

from trmml.encoders.tiny import TINY_CONFIG, build_tiny, load_tiny, pack_tiny
from trmml.world import make_scenes, make_world

FAST = os.environ.get("TRMML_FAST", "0") != "0"
"""A few steps only, to see that all works."""


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )

    def number(name: str, usual: int, fast: int, meaning: str) -> None:
        kind = whole if name in ("--plain-steps", "--seed") else positive
        parser.add_argument(name, type=kind, default=fast if FAST else usual, help=meaning)

    parser.add_argument("--out", type=Path, default=Path("runs/tiny"), help="folder to write into")
    number("--scenes", 40_000, 96, "scenes in the pool")
    number("--steps", 2_000, 2, "training steps")
    number("--plain-steps", 800, 1, "steps before pictures are roughened")
    number("--batch", 256, 32, "pairs a step")
    number("--save-every", 200, 2, "steps between checkpoints")
    number("--test-scenes", 1_000, 30, "scenes to measure on")
    number("--seed", 20_240, 0, "seed of scenes, captions and weights")
    number("--threads", 2, 1, "processor cores to use")
    parser.add_argument("--lr", type=decimal, default=1.5e-3, help="highest learning rate")
    parser.add_argument("--weight-decay", type=decimal, default=0.1)
    args = parser.parse_args()
    if args.out.exists() and not args.out.is_dir():
        parser.error(f"argument --out: {args.out} must be a folder")
    return args


def whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number from 0, got {text!r}")
    return int(text)


def positive(text: str) -> int:
    if whole(text) < 1:
        raise argparse.ArgumentTypeError("must be at least 1, got 0")
    return int(text)


def decimal(text: str) -> float:
    if not 0 <= float(text) < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number from 0, got {text!r}")
    return float(text)


def main() -> None:
    args = parse()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(args.threads)

    token_ids, longest = all_tokens()
    print(f"{len(token_ids)} tokens, prompts of up to {longest}", flush=True)
    started, size = time.time(), TINY_CONFIG["vision_cfg"]["image_size"]
    pairs = Pairs(
        make_scenes(args.scenes, seed=args.seed, regime="pretraining", image_size=size + 8)
    )
    print(f"{args.scenes} scenes in {time.time() - started:.0f} s", flush=True)

    torch.manual_seed(args.seed)
    model: Any = build_tiny(TINY_CONFIG)
    model.token_embedding = nn.Embedding(len(token_ids), TINY_CONFIG["text_cfg"]["width"])
    nn.init.normal_(model.token_embedding.weight, std=0.02)
    model.visual = model.visual.to(memory_format=torch.channels_last)
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": args.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=args.lr, betas=(0.9, 0.98))
    done = load_checkpoint(args.out, model, optimizer)
    tokens = Tokens(token_ids)

    model.train()
    started, losses = time.time(), []
    for step in range(done, args.steps):
        warm = min((step + 1) / (0.05 * args.steps), 1.0)
        rate = args.lr * warm * 0.5 * (1.0 + np.cos(np.pi * step / args.steps))
        for group in optimizer.param_groups:
            group["lr"] = rate
        images, captions, stated, truth = pairs.batch(
            step,
            size=args.batch,
            seed=args.seed,
            rough=step >= args.plain_steps,
        )
        with torch.autocast("cpu", dtype=torch.bfloat16):
            image = model.visual(images)
            text = encode_text(model, tokens(captions))
        image, text = F.normalize(image.float(), dim=-1), F.normalize(text.float(), dim=-1)
        loss = contrast(model.logit_scale.exp() * image @ text.T, stated, truth)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        with torch.no_grad():
            model.logit_scale.clamp_(max=float(np.log(100.0)))
        losses.append(loss.item())
        if (step + 1) % 20 == 0:
            pace = (time.time() - started) / (step + 1 - done)
            print(
                f"step {step + 1}/{args.steps}  loss {np.mean(losses[-20:]):.3f}  "
                f"scale {model.logit_scale.exp().item():.1f}  {pace:.2f} s a step, "
                f"{pace * (args.steps - step - 1) / 60:.0f} min left",
                flush=True,
            )
        if (step + 1) % args.save_every == 0 or step + 1 == args.steps:
            save_checkpoint(args.out, model, optimizer, step + 1)
    export(args, model, token_ids, longest)


def export(
    args: argparse.Namespace,
    model: Any,  # noqa: ANN401 - open_clip ships no stubs
    token_ids: list[int],
    longest: int,
) -> None:
    """Write the weights and their card, measure them, and write the card again."""
    state = dict(model.state_dict())
    table = torch.zeros(
        TINY_CONFIG["text_cfg"]["vocab_size"], state["token_embedding.weight"].shape[1]
    )
    table[torch.tensor(token_ids)] = state["token_embedding.weight"]
    state["token_embedding.weight"] = table
    content = save(pack_tiny(state, token_ids=token_ids, num_positions=longest))
    file = args.out / "tiny.safetensors"
    write_atomically(file, content)
    card: dict[str, Any] = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "config": TINY_CONFIG,
        "token_ids": token_ids,
        "num_positions": longest,
        "fill_seed": 0,
        "training": {
            key: getattr(args, key)
            for key in (
                "scenes",
                "steps",
                "plain_steps",
                "batch",
                "lr",
                "weight_decay",
                "seed",
            )
        },
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
    }
    write_atomically(file.with_suffix(".json"), json.dumps(card).encode())
    pair = load_tiny(weights=file)
    held_out = make_scenes(args.test_scenes, seed=args.seed + 1, regime="pretraining")
    world = make_world(seed=0, num_train=0, num_validation=0, num_test=args.test_scenes)
    card["metrics"] = {
        "pretraining held out, mAP": zero_shot(pair, held_out),
        "scenes test, mAP": zero_shot(pair, world.test),
    }
    write_atomically(file.with_suffix(".json"), json.dumps(card, indent=1).encode())
    json.dump(card["metrics"], sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
