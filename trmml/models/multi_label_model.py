"""What predicts: the part that all methods share, from photographs and folders to scores."""

import logging
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from trmml.atomic_write import write_atomically
from trmml.class_names import ClassNames, NameOrSynonyms
from trmml.encoders import TimmImageEncoder
from trmml.encoders.fingerprint import pair_fingerprints
from trmml.encoders.protocol import EncoderPair
from trmml.labels import Labels
from trmml.models.hub import find_model, push_folder
from trmml.models.method_config import MethodConfig
from trmml.models.model_card import model_card_text
from trmml.models.outputs import ModelOutput
from trmml.models.picture_predictor import PicturePredictor
from trmml.models.random_start import drawing_from
from trmml.models.saved_model import (
    check_encoders,
    fill_model,
    load_towers,
    read_config,
    read_saved_model,
    write_saved_model,
)
from trmml.models.zero_shot_stack import ZeroShotStack
from trmml.modules.frozen import FrozenHolder

__all__ = ["MultiLabelModel"]

_LOGGER = logging.getLogger(__name__)
_Output = TypeVar("_Output", bound=ModelOutput, covariant=True)
_Model = TypeVar("_Model", bound="MultiLabelModel")  # not `Self`: beartype refuses it


class MultiLabelModel(PicturePredictor[_Output]):
    """Score every class in an image: the base of all methods' models.

    A method's model names its configuration, makes what learns in `assemble`, and scores dense
    features by it in `match`; with `region_maps` it can show where each class is seen. What it
    learnt is kept in a folder, or on the Hugging Face Hub, without the frozen towers.

    Args:
        encoders: Frozen image and text tower; held, but neither trained nor saved.
        class_names: One name per class, or several synonyms for a class.
        config: Of the method; None takes its defaults.
        image_size: Side in pixels of the photographs that `preprocess` prepares (paper: 448).
        generator: Source of the random start.

    Attributes:
        Config: The class of the configuration.
        credit: The method with its paper, for the model card, as Markdown.
        learns: What learns, in a few words.
        training_only: Beginnings of the names of what only training needs in the state.
        has_regions: Whether `region_maps` gives any.
        class_names: What each class is called.
        decision_thresholds: From which probability on each class counts as present, or None.
        stack: Adds what the frozen towers say to the prediction, calibrated; None leaves the
            prediction to the method's own score.

    Raises:
        ValueError: If `image_size` is below 1, or a class has no name.
    """

    Config: ClassVar[type[MethodConfig]]
    credit: ClassVar[str] = "a method of one's own"
    learns: ClassVar[str] = "what its task says"
    training_only: ClassVar[tuple[str, ...]] = ()
    has_regions: bool = False

    def __init__(
        self,
        encoders: EncoderPair,
        class_names: Sequence[NameOrSynonyms],
        *,
        config: MethodConfig | None = None,
        image_size: int = 448,
        generator: torch.Generator | None = None,
    ) -> None:
        """Hold the towers, keep the settings, and assemble the rest."""
        super().__init__()
        if image_size < 1:
            raise ValueError(f"`image_size` must be at least 1, got {image_size}.")
        self.config = config or self.Config()
        self.encoders, self.image_size = encoders, image_size
        self.class_names = ClassNames(class_names)
        for twins in self.class_names.twins:
            _LOGGER.warning("class names: %s; a model can hardly tell such classes apart.", twins)
        self.decision_thresholds: list[float] | None = None
        self.stack: ZeroShotStack | None = None
        self.hold("image_encoder", encoders.image)
        if isinstance(encoders.image, TimmImageEncoder):
            self.image_projection = encoders.image.projection  # learnt, so trained and saved
        with drawing_from(generator):
            self.assemble()

    def assemble(self) -> None:
        """Make what learns and what it needs; what is drawn here comes from the generator."""

    @abstractmethod
    def match(
        self,
        features: Float[Tensor, "batch positions dim"],
        grid: tuple[int, int],
        *,
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> _Output:
        """Score dense features by what the method learnt.

        Args:
            features: Dense image features in the joint space, from the encoder or from a store.
            grid: Height and width of the grid of positions.
            classes: Indices of the only classes to score, each once; None scores all.
        """

    def forward(
        self,
        images: Float[Tensor, "batch 3 height width"],
        *,
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> _Output:
        """Score normalised images; `prediction` starts from stored features instead."""
        return self.prediction(*self.image_encoder.encode_dense(images), classes=classes)

    def prediction(
        self,
        features: Float[Tensor, "batch positions dim"],
        grid: tuple[int, int],
        *,
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> _Output:
        """Score as `match` does, with the last word to the `stack` where there is one."""
        output: Any = self.match(features, grid, classes=classes)
        if self.stack is None:
            return output
        return output._replace(logits=self.stack(output.logits, features, classes=classes))

    @property
    def completes_labels(self) -> bool:
        """Whether `complete` fills any label."""
        return False

    def complete(self, output: Any, labels: Labels) -> Labels:  # noqa: ANN401, ARG002
        """Return the labels with missing ones filled as training would; known ones stay."""
        return labels

    def for_prediction(self, kept: dict[int, Any]) -> Any:  # noqa: ANN401 - a stripped copy
        """Return a copy that can only predict, for an export.

        Args:
            kept: What is not to be copied but shared, by `id`, as `copy.deepcopy` takes it.
        """
        text = self.encoders.text
        holders = (part for part in self.modules() if isinstance(part, FrozenHolder))
        # One that no part holds is left behind; one that is held would be moved with the copy.
        if not any(part.holds(text) for part in holders):
            kept = kept | {id(text): text}
        return deepcopy(self, kept)

    def save_pretrained(self, directory: str | Path, *, training_state: bool = False) -> None:
        """Write what was learnt: `model.safetensors` and `config.json`.

        The frozen towers are not written, only their names and fingerprints of their weights.

        Args:
            directory: Folder to write into; made if absent, existing files replaced.
            training_state: Whether to keep what only training needs as well.
        """
        state = {
            name: value
            for name, value in self.state_dict().items()
            if training_state or not name.startswith(self.training_only)
        }
        write_saved_model(
            Path(directory),
            state,
            self.encoders,
            method=self.config.method,
            class_names=self.class_names.plain,
            image_size=self.image_size,
            config=self.config.as_dict(),
            training_state=training_state,
            decision_thresholds=self.decision_thresholds,
        )

    @classmethod
    def from_pretrained(  # noqa: PYI019
        cls: type[_Model],
        directory: str | Path,
        *,
        encoders: EncoderPair | None = None,
        **hub: Any,  # noqa: ANN401 - `find_model` names them
    ) -> _Model:
        """Load what `save_pretrained` or `push_to_hub` wrote, in eval mode.

        Args:
            directory: Folder with `model.safetensors` and `config.json`; or, where there is no such
                folder, a repository on the Hugging Face Hub such as "user/name".
            encoders: Towers to use; None loads those named in the folder, which cannot be done
                for a pair made by hand.
            **hub: For a repository: `revision`, `token`, `cache_dir`, `local_files_only`,
                `force_download`.

        Raises:
            FileNotFoundError: If a file, the repository or the revision is missing.
            ValueError: If a file is damaged, the model is of another method, or the towers'
                weights are not those trained with.
            ConnectionError: If the Hub refuses.
        """
        folder = find_model(directory, **hub)
        card, state = read_saved_model(folder)
        config = read_config(card, cls.Config, folder=folder)
        encoders = encoders or load_towers(card, folder=folder)
        check_encoders(card, encoders)
        model = cls(encoders, card["class_names"], config=config, image_size=card["image_size"])
        if any(name.startswith("stack.") for name in state):
            model.stack = ZeroShotStack(len(model.class_names), encoders.image.dim)
        if not card["training_state"]:
            fresh = model.state_dict().items()
            state |= {name: value for name, value in fresh if name.startswith(cls.training_only)}
        fill_model(model, state, folder=folder)
        model.decision_thresholds = card.get("decision_thresholds")
        return model.eval()

    def model_card(
        self,
        *,
        repo_id: str = "user/name",
        license: str | None = None,
        report: Mapping[str, Any] | None = None,
    ) -> str:
        """Write the page that introduces the model, with a front matter that the Hub reads.

        Args:
            repo_id: Repository that the page tells to load from.
            license: License of the weights, such as "cc-by-4.0"; None leaves it open, and says so.
            report: Figures for the page, such as `trmml.prediction.Evaluation.as_dict()`.
        """
        return model_card_text(
            repo_id=repo_id,
            kind=type(self),
            credit=self.credit,
            has_regions=self.has_regions,
            class_names=self.class_names,
            source=self.encoders.source,
            fingerprints=pair_fingerprints(self.encoders),
            image_size=self.image_size,
            config=self.config,
            thresholds=self.decision_thresholds,
            license=license,
            report=report,
        )

    def push_to_hub(
        self,
        repo_id: str,
        *,
        license: str | None = None,
        report: Mapping[str, Any] | None = None,
        **options: Any,  # noqa: ANN401 - `push_folder` names them
    ) -> str:
        """Upload what `save_pretrained` writes and `model_card`, in one commit; give its address.

        Options and errors are those of `trmml.models.push_folder`.
        """

        def write(folder: Path) -> None:
            self.save_pretrained(folder)
            card = self.model_card(repo_id=repo_id, license=license, report=report)
            write_atomically(folder / "README.md", card)

        return push_folder(repo_id, write, **options)
