"""Everything that decides a training run, as typed values."""

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

from trmml.data.hiding import HidingProtocol
from trmml.data.single_positive import SinglePositiveProtocol
from trmml.models.trmml.config import TRMMLConfig
from trmml.training.config.encoder_config import EncoderConfig
from trmml.training.config.recipe import Recipe

__all__ = ["CacheConfig", "DataConfig", "RunConfig"]


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Which images and labels a run sees, and which of the labels it is told.

    Attributes:
        path: The dataset's folder, or one's own table; must be given before anything is read.
        images: Folder of the images, where it is not beside the table.
        train_split: A name of `trmml.data.find_splits`; None where there is only one.
        test_split: The split tested at the end; None with no `test_path` for no test.
        test_path: Where the test split lies, if not at `path`.
        keep: Share of the training labels that stays known, in [0, 1]; None for all there are.
            Several, for a table's mean over proportions, are a run each, see `RunConfig.runs`.
        protocol: Whose way of hiding labels, a name of `trmml.data.make_mask`; "spml" and "splc"
            leave a single positive of each image, and take no `keep`.
        mask_seed: Seed of the hiding; None for the protocol's own.
        label_file: Label file of `trmml data hide` or `trmml data single-positive`, which takes
            the place of `keep` and `protocol`.
        class_names: Names for the prompts instead of the dataset's, in its order.
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
    train_split: str | None = None
    test_split: str | None = None
    test_path: str | None = None
    keep: float | tuple[float, ...] | None = None
    protocol: HidingProtocol | SinglePositiveProtocol = "hcp"
    mask_seed: int | None = None
    label_file: str | None = None
    class_names: tuple[str, ...] | None = None
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

    @property
    def has_test(self) -> bool:
        """Whether a test split is named."""
        return self.test_split is not None or self.test_path is not None


@dataclass(frozen=True, kw_only=True)
class CacheConfig:
    """Whether image features are computed once and kept on disk; the image tower is frozen.

    Attributes:
        directory: Where they are kept; None computes them anew in every epoch, as the paper does.
        views: Augmented views of each training image that are kept, one a turn.
    """

    directory: str | None = None
    views: int = 1

    def __post_init__(self) -> None:
        """Refuse fewer than one view.

        Raises:
            ValueError: If `views` is below 1.
        """
        if self.views < 1:
            raise ValueError(f"`views` must be at least 1, got {self.views}.")


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Everything that decides a training run; `load_run_config` reads one from a file.

    Attributes:
        name: What the run is called; a file's own name unless it says otherwise.
        data: Images and labels.
        encoder: The frozen CLIP.
        model: Ingredients and hyper-parameters.
        recipe: Optimisation.
        cache: Features on disk.
        selection: Which epoch is kept: the best on the images set aside ("validation"), the
            "last", or the best on the "test" set, as the peers do, which flatters the figure.
        region_decoder: A saved model whose region decoder the run starts from, as in Table 4.
        checkpoint_every: Steps between checkpoints, besides the one after each epoch.
    """

    # Read by pydantic: a key that is none of the fields is an error.
    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    name: str = "run"
    data: DataConfig = field(default_factory=DataConfig)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    model: TRMMLConfig = field(default_factory=TRMMLConfig)
    recipe: Recipe = field(default_factory=Recipe)
    cache: CacheConfig = field(default_factory=CacheConfig)
    selection: Literal["validation", "last", "test"] = "validation"
    region_decoder: str | None = None
    checkpoint_every: int | None = None

    def __post_init__(self) -> None:
        """Refuse a selection that has nothing to select on.

        Raises:
            ValueError: If parts contradict each other or a count is below 1.
        """
        if self.selection == "validation" and self.data.validation_share == 0:
            raise ValueError(
                "`selection` = 'validation' needs `data.validation_share` above 0, got 0; or set "
                "`selection` to 'last'."
            )
        if self.selection == "test" and not self.data.has_test:
            raise ValueError("`selection` = 'test' needs `data.test_split`, got none.")
        if self.selection == "last" and self.recipe.patience is not None:
            raise ValueError(
                "`recipe.patience` needs a selection score, but `selection` is 'last'; set "
                "`selection` to 'validation' or `recipe.patience` to null."
            )
        if self.region_decoder is not None and self.model.aggregation != "regions":
            raise ValueError(
                f"`region_decoder` needs a model with regions, got `model.aggregation` = "
                f"{self.model.aggregation!r}."
            )
        if self.checkpoint_every is not None and self.checkpoint_every < 1:
            raise ValueError(
                f"`checkpoint_every` must be null or at least 1, got {self.checkpoint_every}."
            )

    @property
    def runs(self) -> tuple["RunConfig", ...]:
        """The single runs: this one, or one for each share of labels in `data.keep`.

        Examples:
            >>> config = RunConfig(name="mean", data=DataConfig(keep=(0.1, 0.2)))
            >>> [(run.name, run.data.keep) for run in config.runs]
            [('mean-0.1', 0.1), ('mean-0.2', 0.2)]
        """
        if not isinstance(self.data.keep, tuple):
            return (self,)
        return tuple(
            replace(self, name=f"{self.name}-{keep:g}", data=replace(self.data, keep=keep))
            for keep in self.data.keep
        )
