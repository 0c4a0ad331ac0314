"""What a run measures: after each epoch to select one, and at the end to report."""

from typing import Any

from jaxtyping import Float
from torch import Tensor

from trmml.models import MultiLabelModel
from trmml.prediction import Evaluation, calibrate_thresholds, evaluate_scores
from trmml.training.run.sources import RunSources
from trmml.training.sources.scoring import score_source
from trmml.training.sources.source import TrainingSource

__all__ = ["RunEvaluator"]


class RunEvaluator:
    """Score a run's models on the images that were not trained on.

    Args:
        sources: Of the run.
        on_test: Whether epochs are selected on the test images, as the peers do.
        batch_size: Images at once.
        accelerator: An `accelerate.Accelerator`; every process scores a share of the images.
    """

    def __init__(
        self,
        sources: RunSources,
        *,
        on_test: bool,
        batch_size: int,
        accelerator: Any,  # noqa: ANN401
    ) -> None:
        """Keep what scoring needs."""
        self.sources, self.on_test, self.batch_size = sources, on_test, batch_size
        self.accelerator = accelerator

    def selection_scores(self, model: MultiLabelModel) -> dict[str, float]:
        """Return the figures of one epoch; "map" selects."""
        source = self.sources.test if self.on_test else self.sources.validation
        if source is None:
            raise ValueError("`sources` must have images to select on, got none.")
        found = self._evaluate(model, source, self._score(model, source))
        return {
            "map": found.mean_average_precision,
            "interpolated_map": found.interpolated_mean_average_precision,
            "CF1": found.at_half.CF1,
            "OF1": found.at_half.OF1,
        }

    def final_figures(self, model: MultiLabelModel) -> dict[str, Any]:
        """Calibrate the selected model's thresholds on the validation images; test it, once."""
        figures: dict[str, Any] = {"validation": None, "test": None}
        if self.sources.validation is not None:
            logits = self._score(model, self.sources.validation)
            labels = self.sources.validation.labels
            model.decision_thresholds = calibrate_thresholds(logits.sigmoid(), labels).tolist()
            found = self._evaluate(model, self.sources.validation, logits)
            figures["validation"] = found.as_dict()
        if self.sources.test is not None:
            logits = self._score(model, self.sources.test)
            figures["test"] = self._evaluate(model, self.sources.test, logits).as_dict()
        return figures

    def _evaluate(
        self,
        model: MultiLabelModel,
        source: TrainingSource,
        logits: Float[Tensor, "images classes"],
    ) -> Evaluation:
        titles, thresholds = model.class_names.titles, model.decision_thresholds
        return evaluate_scores(logits, source.labels, titles, thresholds=thresholds)

    def _score(
        self, model: MultiLabelModel, source: TrainingSource
    ) -> Float[Tensor, "images classes"]:
        process = (self.accelerator.process_index, self.accelerator.num_processes)
        with self.accelerator.autocast():
            return score_source(model, source, batch_size=self.batch_size, process=process)
