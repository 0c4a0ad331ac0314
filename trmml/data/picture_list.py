"""Pictures without labels, read one by one as a loader asks for them."""

from PIL import Image
from torch.utils.data import Dataset

from trmml.data.picture_address import is_address
from trmml.data.pictures import Pictures, list_pictures, open_picture, picture_name

__all__ = ["PictureList"]


class PictureList(Dataset[Image.Image]):
    """Pictures in any form; nothing is read, or fetched, before it is asked for.

    Args:
        pictures: One, or several; the same one may come twice.
        allow_urls: Whether addresses are fetched, see `open_picture`.

    Attributes:
        sources: The file, the address or the place of each, see `picture_name`.
        names: The same as text.

    Raises:
        ValueError: If there is an address, and they are not allowed.
        TypeError: If it is neither a picture nor a list.
    """

    def __init__(self, pictures: Pictures, *, allow_urls: bool = False) -> None:
        """Keep the pictures."""
        self.pictures = list_pictures(pictures)
        self.sources = [picture_name(one, place) for place, one in enumerate(self.pictures)]
        self.names = [str(source) for source in self.sources]
        self.allow_urls = allow_urls
        for one in self.pictures:
            if not allow_urls and isinstance(one, str) and is_address(one):
                open_picture(one)  # says that it is not allowed

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.pictures)

    def __getitem__(self, place: int) -> Image.Image:
        """Return one picture as `open_picture` does.

        Raises:
            BrokenImageError: If it cannot be read.
            ValueError: If an array has another type or shape.
            TypeError: If it is no picture.
        """
        return open_picture(self.pictures[place], allow_urls=self.allow_urls)
