import torch
from PIL import Image

from trmml.data import square_pixels


def test_a_picture_is_squeezed_to_a_square_of_rgb() -> None:
    picture = Image.new("L", (40, 20), 7)
    picture.paste(200, (20, 0, 40, 20))
    pixels = square_pixels(picture, 10)
    assert (pixels.dtype, pixels.shape) == (torch.uint8, (3, 10, 10))
    assert pixels[:, 5, 1].tolist() == [7, 7, 7]
    assert pixels[:, 5, 8].tolist() == [200, 200, 200]
