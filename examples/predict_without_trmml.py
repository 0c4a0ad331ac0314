"""Name what is in photographs with an exported model, without trmml and without torch.

It needs `pip install numpy pillow onnxruntime` and a file that `trmml export` wrote:

    python predict_without_trmml.py tags.onnx photo.jpg another.jpg
"""

import json
import sys

import numpy as np
from onnxruntime import InferenceSession
from PIL import Image, ImageOps


def main(model: str, *photos: str) -> None:
    session = InferenceSession(model, providers=["CPUExecutionProvider"])
    about = json.loads(session.get_modelmeta().custom_metadata_map["trmml"])
    names, side = about["class_names"], (about["image_size"], about["image_size"])
    thresholds = about["decision_thresholds"] or [0.5] * len(names)

    for photo in photos:
        with Image.open(photo) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
        pixels = np.asarray(upright.resize(side, Image.Resampling.BICUBIC))
        batch = pixels.transpose(2, 0, 1)[None]  # the graph scales and normalises by itself
        probabilities = np.asarray(session.run(["probabilities"], {"pixels": batch})[0])[0]

        ranked = sorted(zip(probabilities, names, thresholds, strict=True), reverse=True)
        tags = [f"{name} {p:.4f}" for p, name, threshold in ranked if p >= threshold]
        print(f"{photo}: {', '.join(tags) or 'nothing'}")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        print(__doc__)
    else:
        main(*sys.argv[1:])
