"""Which images and labels a run sees."""

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from trmml.data.hiding import HidingProtocol
from trmml.data.readers.reading_options import ReadingOptions
from trmml.data.single_positive import SinglePositiveProtocol
from trmml.functional.checks import check_numbers

__all__ = ["DataConfig"]

MOST_WORKERS: Final = 1024
LARGEST_SIDE: Final = 16_384
# What is in the files is compared by checksum.
FREE_TO_CHANGE: Final = (
    "path",
    "images",
    "read",
    "test_path",
    "test_read",
    "label_file",
    "captions",
    "synonyms",
    "workers",
)


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Which images and labels a run sees, and which of the labels it is told.

    Attributes:
        path: The dataset's folder, or one's own table; must be given before anything is read.
        images: Folder of the images, where it is not beside the table.
        read: What the labels' file leaves open, such as `{blank: negative}`; None for nothing.
        train_split: A name of `trmml.data.find_splits`; None where there is only one.
        test_split: The split tested at the end; None with no `test_path` for no test.
        test_path: Where the test split lies, if not at `path`.
        test_read: As `read`, for the file at `test_path`; None for the same.
        keep: Share of the training labels that stays known, in [0, 1]; None for all there are.
            Several, for a table's mean over proportions, are a run each, see `RunConfig.runs`.
        protocol: Whose way of hiding labels, a name of `trmml.data.make_mask`; "spml" and "splc"
            leave a single positive of each image, and take no `keep`.
        mask_seed: Seed of the hiding; None for the protocol's own.
        label_file: Label file of `trmml data hide` or `trmml data single-positive`, which takes
            the place of `keep` and `protocol`.
        class_names: Names for the prompts instead of the dataset's, in its order.
        captions: What a method that learns from captions learns from, see
            `trmml.data.load_captions`; the images of the training split are then only there to be
            set aside. None for a method that learns from images.
        synonyms: Further words that name a class in captions, such as `{person: [man, woman]}`,
            in the place of `trmml.data.COMMON_SYNONYMS` for this class.
        validation_share: Share of the training images set aside to select the epoch; ours.
        validation_labels: "known" keeps hidden labels hidden there too; "full" uses annotations
            that a partly labelled dataset would not have, as the LargeLoss set-up does.
        validation_seed: Seed of that choice. 1200, with a share of 0.2, gives LargeLoss's own.
        image_size: Side of the images in pixels (paper: 448).
        transform: Whose augmentation, a name of `trmml.data.transforms.build_transform`.
        broken: Whether an image that cannot be decoded ends the run ("error") or another one takes
            its place ("replace"), in validation and test too.
        workers: Processes that read images; None takes the free cores, 0 the main process.
    """

    path: str | None = None
    images: str | None = None
    read: ReadingOptions | None = None
    train_split: str | None = None
    test_split: str | None = None
    test_path: str | None = None
    test_read: ReadingOptions | None = None
    keep: float | tuple[float, ...] | None = None
    protocol: HidingProtocol | SinglePositiveProtocol = "hcp"
    mask_seed: int | None = None
    label_file: str | None = None
    class_names: tuple[str, ...] | None = None
    captions: str | None = None
    synonyms: dict[str, tuple[str, ...]] | None = None
    validation_share: float = 0.1
    validation_labels: Literal["known", "full"] = "known"
    validation_seed: int = 1200
    image_size: int = 448
    transform: Literal["tai-dpt", "asl", "hcp", "spml"] = "tai-dpt"
    broken: Literal["error", "replace"] = "error"
    workers: int | None = None

    def __post_init__(self) -> None:
        """Refuse shares outside [0, 1] and settings that contradict each other.

        Raises:
            ValueError: If a value is outside its range, or two exclude each other.
        """
        shares = self.keep if isinstance(self.keep, tuple) else (self.keep,)
        if not shares or not all(share is None or 0 <= share <= 1 for share in shares):
            raise ValueError(
                f"`keep` must be a share in [0, 1] or a list of such, got {self.keep}; 10 percent "
                "is 0.1."
            )
        if self.keep is not None and self.label_file is not None:
            raise ValueError(
                "`keep` and `label_file` exclude each other, got both; a label file already says "
                "which labels are known."
            )
        if self.keep is not None and self.protocol in ("spml", "splc"):
            raise ValueError(
                f"`keep` must be null for protocol {self.protocol!r}, which leaves one positive of "
                f"each image, got {self.keep}."
            )
        if not 0 <= self.validation_share < 1:
            raise ValueError(f"`validation_share` must be in [0, 1), got {self.validation_share}.")
        if self.image_size < 1:
            raise ValueError(f"`image_size` must be at least 1, got {self.image_size}.")
        for name in ("workers", "mask_seed", "validation_seed"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"`{name}` must be at least 0, got {value}.")
        check_numbers(self, workers=MOST_WORKERS, image_size=LARGEST_SIDE)

    @property
    def has_test(self) -> bool:
        """Whether a test split is named."""
        return self.test_split is not None or self.test_path is not None

    def settings(self) -> dict[str, Any]:
        """Return what has to be the same for a run to go on: where the files lie may change."""
        return {name: value for name, value in asdict(self).items() if name not in FREE_TO_CHANGE}
