"""Everything that decides a training run, as typed values."""

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

from trmml.choices import check_choice
from trmml.functional.checks import check_numbers
from trmml.losses.label_loss import refuse_sampled_classes
from trmml.models import MethodConfig, PredictsBy, TRMMLConfig
from trmml.training.config.data_config import DataConfig
from trmml.training.config.encoder_config import EncoderConfig
from trmml.training.config.recipe import Recipe

__all__ = ["CacheConfig", "RunConfig"]


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
        check_numbers(self)

    def settings(self) -> dict[str, Any]:
        """Return what has to be the same for a run to go on: where it lies may change."""
        return {"cached": self.directory is not None, "views": self.views}


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Everything that decides a training run; `load_run_config` reads one from a file.

    Attributes:
        name: What the run is called; a file's own name unless it says otherwise.
        data: Images and labels.
        encoder: The frozen CLIP.
        model: The method, with its ingredients and hyper-parameters.
        recipe: Optimisation.
        cache: Features on disk.
        selection: Which epoch is kept: the best on the images set aside ("validation"), the
            "last", or the best on the "test" set, as the peers do, which flatters the figure.
        prediction: Whether the model predicts by its own "score", or by its "stack" with the
            zero-shot score of the frozen towers, fitted to the images set aside. With the stack,
            epochs are selected by it, and the model before the first step is a candidate too.
        checkpoint_every: Steps between checkpoints, besides the one after each epoch.
        trackers: Names of Accelerate's trackers, such as "wandb" or "mlflow", that the record of
            each epoch is sent to; TensorBoard's files are written in any case.
    """

    # Read by pydantic: a key that is none of the fields is an error.
    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    name: str = "run"
    data: DataConfig = field(default_factory=DataConfig)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    model: MethodConfig = field(default_factory=TRMMLConfig)
    recipe: Recipe = field(default_factory=Recipe)
    cache: CacheConfig = field(default_factory=CacheConfig)
    selection: Literal["validation", "last", "test"] = "validation"
    prediction: PredictsBy = "score"
    checkpoint_every: int | None = None
    trackers: tuple[str, ...] = ()

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
        check_choice(self.prediction, PredictsBy, argument="prediction")
        if self.prediction == "stack" and self.data.validation_share == 0:
            raise ValueError(
                "`prediction` = 'stack' needs `data.validation_share` above 0, got 0: what the "
                "stack is fitted to must not be trained on."
            )
        if self.checkpoint_every is not None and self.checkpoint_every < 1:
            raise ValueError(
                f"`checkpoint_every` must be null or at least 1, got {self.checkpoint_every}."
            )
        if self.recipe.class_sample is not None:
            refuse_sampled_classes(self.model.loss.build())
        check_numbers(self)
        check_numbers(self.model)  # a method of one's own may not have looked

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
