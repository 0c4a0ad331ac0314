"""What predicts: the part that all methods share, from photographs and folders to scores."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import torch
from jaxtyping import Float, Int
from PIL.Image import Image
from torch import Tensor
from torch.nn.functional import interpolate

from trmml.atomic_write import write_atomically
from trmml.class_names import ClassNames, NameOrSynonyms
from trmml.data.images import decode_image
from trmml.data.square_pixels import square_pixels
from trmml.encoders import TimmImageEncoder
from trmml.encoders.fingerprint import pair_fingerprints
from trmml.encoders.pixels import normalize_pixels
from trmml.encoders.protocol import EncoderPair, ImageEncoder
from trmml.labels import Labels
from trmml.models.finite_scores import require_finite_scores
from trmml.models.hub import find_model, push_folder
from trmml.models.method_config import MethodConfig
from trmml.models.model_card import model_card_text
from trmml.models.outputs import ModelOutput
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
_Model = TypeVar("_Model", bound="MultiLabelModel")  # not `Self`: beartype refuses it


class MultiLabelModel(FrozenHolder, ABC):
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
    image_encoder: ImageEncoder

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

    @property
    def device(self) -> torch.device:
        """Where the model computes."""
        return next(self.parameters()).device

    @abstractmethod
    def match(
        self,
        features: Float[Tensor, "batch positions dim"],
        grid: tuple[int, int],
        *,
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> ModelOutput:
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
    ) -> ModelOutput:
        """Score normalised images; `prediction` starts from stored features instead."""
        return self.prediction(*self.image_encoder.encode_dense(images), classes=classes)

    def prediction(
        self,
        features: Float[Tensor, "batch positions dim"],
        grid: tuple[int, int],
        *,
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> Any:  # noqa: ANN401 - what this class's `match` returns
        """Score as `match` does, with the last word to the `stack` where there is one."""
        output: Any = self.match(features, grid, classes=classes)
        if self.stack is None:
            return output
        return output._replace(logits=self.stack(output.logits, features, classes=classes))

    def region_maps(
        self,
        output: Any,  # noqa: ANN401, ARG002 - what this class's `match` returns
    ) -> Float[Tensor, "batch classes height width"] | None:
        """Return where each class is seen, in [0, 1], on the grid; None for a model without."""
        return None

    @property
    def completes_labels(self) -> bool:
        """Whether `complete` fills any label."""
        return False

    def complete(self, output: Any, labels: Labels) -> Labels:  # noqa: ANN401, ARG002
        """Return the labels with missing ones filled as training would; known ones stay."""
        return labels

    def preprocess(self, image: str | Path | Image) -> Float[Tensor, "1 3 height width"]:
        """Prepare a photograph: right way up, resized to `image_size`, normalised.

        The aspect ratio is not kept, as in the paper's recipe.

        Args:
            image: A file, or a picture that Pillow opened or made, in any mode; both give the same
                pixels, see `trmml.data.to_rgb`.

        Raises:
            ValueError: If the file is missing, is no image or is damaged.
        """
        picture = image if isinstance(image, Image) else decode_image(image)
        pixels = square_pixels(picture, self.image_size)[None].to(self.device)
        return normalize_pixels(pixels, self.image_encoder)

    @torch.no_grad()
    def predict(
        self, images: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch classes"]:
        """Return the probability of every class in every normalised image.

        Raises:
            FloatingPointError: If a score is nan or infinite.
        """
        return self._scored(images).logits.float().sigmoid()

    @torch.no_grad()
    def heatmap(
        self, images: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch classes height width"]:
        """Return where each class is seen, in [0, 1], at the images' own height and width.

        These are the model's `region_maps`, interpolated bilinearly.

        Raises:
            ValueError: If the model has no regions.
            FloatingPointError: If a score is nan or infinite.
        """
        maps = self.region_maps(self._scored(images))
        if maps is None:
            raise ValueError(
                f"{type(self).__name__} must have regions to draw them, but it only scores whole "
                "images; `predict` gives the scores."
            )
        return interpolate(maps, size=images.shape[-2:], mode="bilinear", align_corners=False)

    def _scored(self, images: Float[Tensor, "batch 3 height width"]) -> ModelOutput:
        output = self(images)
        names = self.class_names.titles
        require_finite_scores(output.logits, names, image=lambda place: f"image {place}")
        return output

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
