"""A transform of own code, with sets, whose order changes from process to process."""

from torchvision.transforms import v2

from trmml.data.transforms import build_transform

NAMES = ["x"]


class Own:
    kinds = ("a", "b")

    @staticmethod
    def fixed(image: str) -> bool:
        return image in {"d", "e", "f", "g", "h"}

    @property
    def name(self) -> str:
        return NAMES[0]

    def __call__(self, image: str) -> bool:
        return image in {"a", "b", "c", "d", "e", "f"} or self.fixed(image)


def shorter(image, *, deep=frozenset("abcdef")):
    return [part for part in image if part not in {"p", "q", "r", "s", "t"} | deep]


def again(image):
    return again(shorter(image))


def own() -> v2.Compose:
    """Return a published recipe followed by own steps."""
    steps = [Own(), shorter, again, lambda image: image[::-1]]
    recipe = build_transform(train=True, mean=None, std=None)
    return v2.Compose([recipe, *map(v2.Lambda, steps)])
