"""Photograph the page for the docs: a model of 25 categories, asked for one that it never saw.

`python benchmarks/page_screenshot.py` trains the model first (two minutes on a CPU), unless
`--model` names a folder that has one, and writes `docs/assets/serve.png`.
"""

import argparse
import shutil
from pathlib import Path

import torch
from PIL import Image
from playwright.sync_api import sync_playwright

from trmml.data import hide_labels
from trmml.demo import DEMO_RECIPE, DemoData, world_data
from trmml.encoders import load_tiny
from trmml.models import TRMML, TRMMLTask
from trmml.page import serving
from trmml.prediction import calibrate_thresholds
from trmml.training import encode_images, fit, predict_logits

UNSEEN = {"boat", "kite", "mushroom", "snowman", "star"}  # left out of training
ASKED = "boat"
EXAMPLES = (0, 6, 14, 43, 53)  # chosen by eye among the first test scenes; the first is shown
VALIDATION = 60  # test scenes from here on set the thresholds
KEEP = 0.1


def train(data: DemoData, directory: Path) -> None:
    """Train as `trmml demo` does, without some categories; calibrate the thresholds; save."""
    columns = [i for i, name in enumerate(data.class_names) if name not in UNSEEN]
    names = [data.class_names[i] for i in columns]
    encoders = load_tiny()
    features = [encode_images(encoders.image, part.batches(50)) for part in (data.train, data.test)]
    generator = torch.Generator().manual_seed(0)
    model = TRMML(encoders, names, image_size=256, generator=generator)
    known = hide_labels(data.train.labels[:, columns], KEEP, seed=0)
    fit(TRMMLTask(model), features[0], known, recipe=DEMO_RECIPE)
    probabilities = predict_logits(model, features[1]).sigmoid()
    truth = data.test.labels[:, columns]
    model.decision_thresholds = calibrate_thresholds(
        probabilities[VALIDATION:], truth[VALIDATION:]
    ).tolist()
    model.save_pretrained(directory)


def photograph(model: TRMML, examples: list[Path], out: Path) -> None:
    """Drop the first example, ask for a category, and point at it."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with serving(model, port=0, examples=examples) as address, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 860}, device_scale_factor=1.25)
        page.goto(address)
        page.locator("#upload input[type=file]").set_input_files(examples[0])
        page.locator(".tag").first.wait_for()
        page.locator("#ask input").fill(ASKED)
        page.locator("#ask input").press("Enter")
        page.locator(".match").hover()
        page.wait_for_timeout(1000)  # the region fades in
        page.screenshot(path=out, full_page=True)
        browser.close()
    # Without their two lowest bits the colours look the same, in two thirds of the bytes.
    levels = [min(255, (level + 2) // 4 * 4) for level in range(256)]
    coarse = Image.open(out).convert("RGB").point(3 * levels)
    coarse.save(out, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("trmml-demo/page"))
    parser.add_argument("--out", type=Path, default=Path("docs/assets/serve.png"))
    options = parser.parse_args()
    data = world_data(num_train=1000, num_test=210)
    if not (options.model / "config.json").exists():
        train(data, options.model)
    examples = []
    for row in EXAMPLES:
        examples.append(options.model / f"example-{row}.png")
        Image.fromarray(data.test.read(row).permute(1, 2, 0).numpy()).save(examples[-1])
    photograph(TRMML.from_pretrained(options.model), examples, options.out)
    print(f"{options.out}: {options.out.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
