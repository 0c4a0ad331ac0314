"""Name what is in photographs with an exported model, without trmml and without torch.

It needs `pip install numpy pillow onnxruntime` and a file that `trmml export` wrote:

    python predict_without_trmml.py tags.onnx photo.jpg another.jpg
"""

import json
import sys
from pathlib import Path

import numpy as np
from onnxruntime import InferenceSession
from PIL import Image, ImageOps

# Nothing else is opened, whatever a file is called: Pillow hands PostScript to another program.
FORMATS = ("JPEG", "MPO", "PNG", "BMP", "WEBP", "TIFF", "GIF", "AVIF", "JPEG2000", "PPM")


def eight_bits(image: Image.Image) -> Image.Image:
    """Turn grey of 12, 16 or 32 bits, of which only the values tell how many, into 8 bits."""
    levels = np.asarray(image)
    highest = levels.max(initial=0)
    if levels.min(initial=0) < 0 or highest > 0xFFFF:
        raise ValueError("32-bit pixels beyond 65535; save it with 8 or 16 bits a channel")
    small = highest <= 0xFF and image.mode == "I" and image.format not in ("PNG", "PPM")
    bits = 8 if small else 12 if highest <= 0xFFF else 16
    clear = levels == image.info.get("transparency", -1)
    if getattr(image, "tag_v2", {}).get(262) == 0:  # a TIFF in which 0 is white
        levels = (1 << bits) - 1 - levels
    grey = (levels >> (bits - 8)).astype(np.uint8)
    grey[clear] = 255
    return Image.fromarray(grey)


def to_rgb(image: Image.Image) -> Image.Image:
    """Return the picture the right way up in 8-bit RGB, transparent parts over white."""
    image.load()
    palette = getattr(image.palette, "mode", "") if image.mode == "P" else ""
    pixels = image
    if image.mode == "F":
        raise ValueError("floating-point pixels; save it with 8 or 16 bits a channel")
    if image.mode == "I" or image.mode.startswith("I;16"):
        pixels = eight_bits(image)
    elif image.has_transparency_data or palette.endswith("A"):
        pixels = image.convert("LA") if image.mode == "La" else image
        white = Image.new("RGBA", image.size, "white")
        pixels = Image.alpha_composite(white, pixels.convert("RGBA"))
    pixels = pixels.convert("RGB")
    try:
        pixels.info = dict(image.info)
        pixels.getexif().update(image.getexif())
        return ImageOps.exif_transpose(pixels)
    except Exception:  # damaged metadata does not spoil the pixels
        return pixels


def is_a_file(path: str) -> str:
    """Return the path of a plain file: a pipe would be waited for without end."""
    if not Path(path).is_file():
        raise ValueError("there is no such file")
    return path


def main(model: str, *photos: str) -> int:
    Image.init()
    formats = [name for name in FORMATS if name in Image.OPEN]  # of this Pillow
    try:
        session = InferenceSession(is_a_file(model), providers=["CPUExecutionProvider"])
        about = json.loads(session.get_modelmeta().custom_metadata_map["trmml"])
    except Exception as error:  # of every kind: the file can be anything
        reason = "trmml did not write it" if isinstance(error, KeyError) else error
        sys.exit(f"{model}: no model to predict with: {reason}")
    names, side = about["class_names"], (about["image_size"], about["image_size"])
    thresholds = about["decision_thresholds"] or [0.5] * len(names)

    failed = 0
    for photo in photos:
        try:
            with Image.open(is_a_file(photo), formats=formats) as image:
                pixels = np.asarray(to_rgb(image).resize(side, Image.Resampling.BICUBIC))
        except Exception as error:  # damaged bytes give errors of every kind
            print(f"{photo}: cannot be read: {error}", file=sys.stderr)
            failed += 1
            continue
        batch = pixels.transpose(2, 0, 1)[None]  # the graph scales and normalises by itself
        probabilities = np.asarray(session.run(["probabilities"], {"pixels": batch})[0])[0]
        if not np.isfinite(probabilities).all():
            sys.exit(f"{model}: a score of {photo} is no number; export a sound model")

        ranked = sorted(zip(probabilities, names, thresholds, strict=True), reverse=True)
        tags = [f"{name} {p:.4f}" for p, name, threshold in ranked if p >= threshold]
        print(f"{photo}: {', '.join(tags) or 'nothing'}")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) == 1:
        print(__doc__)
    elif len(sys.argv) == 2:
        sys.exit("Give a model and at least one photograph.")
    else:
        sys.exit(main(*sys.argv[1:]))
