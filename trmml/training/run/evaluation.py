"""What a run measures: after each epoch to select one, and at the end to report."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from trmml.models import TRMML
from trmml.prediction import Evaluation, calibrate_thresholds, class_titles, evaluate_scores
from trmml.training.config.run_config import RunConfig
from trmml.training.run.sources import RunSources
from trmml.training.scoring import score_source
from trmml.training.sources.source import Source

__all__ = ["RunEvaluator"]


class RunEvaluator:
    """Score a run's models on the images that were not trained on.

    Args:
        config: Of the run.
        sources: Of the run.
        accelerator: An `accelerate.Accelerator`; every process scores a share of the images.
    """

    def __init__(self, config: RunConfig, sources: RunSources, accelerator: Any) -> None:  # noqa: ANN401
        """Keep what scoring needs."""
        self.config, self.sources, self.accelerator = config, sources, accelerator

    def selection_scores(self, model: TRMML) -> dict[str, float]:
        """Return the figures of one epoch; "map" selects."""
        on_test = self.config.selection == "test"
        source = self.sources.test if on_test else self.sources.validation
        if source is None:
            raise ValueError(f"`selection` = {self.config.selection!r} has no images to select on.")
        found = self._evaluate(model, source, self._score(model, source))
        return {
            "map": found.mean_average_precision,
            "interpolated_map": found.interpolated_mean_average_precision,
            "CF1": found.at_half.CF1,
            "OF1": found.at_half.OF1,
        }

    def final_figures(self, model: TRMML) -> dict[str, Any]:
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
        self, model: TRMML, source: Source, logits: Float[Tensor, "images classes"]
    ) -> Evaluation:
        names = class_titles(model.class_names)
        return evaluate_scores(logits, source.labels, names, thresholds=model.decision_thresholds)

    @torch.no_grad()
    def _score(self, model: TRMML, source: Source) -> Float[Tensor, "images classes"]:
        recipe, accelerator = self.config.recipe, self.accelerator
        with accelerator.autocast():
            return score_source(
                model,
                source,
                batch_size=recipe.part_size,
                process=(accelerator.process_index, accelerator.num_processes),
            )
