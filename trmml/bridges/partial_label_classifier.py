"""A classifier for partly labelled images, used as those of scikit-learn are."""

import inspect
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trmml.bridges.signed_labels import ZeroMeaning, signed_labels
from trmml.completion import logistic_probes, out_of_fold_probabilities
from trmml.encoders import EncoderPair
from trmml.labels import NEGATIVE, POSITIVE
from trmml.metrics import mean_average_precision
from trmml.prediction.tower_features import picture_features

__all__ = ["PartialLabelClassifier"]

UNJUDGED = 30.0  # the middle penalty, where no class can choose


class PartialLabelClassifier:
    """A line for each class through features of a frozen tower, fitted to the known labels alone.

    It has the methods of a classifier of scikit-learn, and works in its pipelines, searches and
    cross-validations, but does not need it. The fit is the one of `trmml.completion`
    (`logistic_probes`): the only minimum there is, so that nothing depends on a seed but how
    images are dealt out to choose the penalty.

    Args:
        encoders: Towers that make features of pictures; None where `fit` is given features.
        image_size: Side in pixels at which pictures are seen.
        zero: What 0 means among the labels, see `fit`; None where they show it themselves.
        penalty: Pulls the lines' weights to 0, above 0; None chooses of 3, 30 and 300 the one that
            judges best the labels of images that it did not see.
        batch_size: Pictures that are encoded at once.

    Attributes:
        coef_: Weights, float64 [classes dim], of the features as they were given.
        intercept_: Constants, float64 [classes].
        penalty_: The one that was used.
        one_sided_: Classes of which only one kind of label is known, or none: they get the same
            probability in every image, (positives + 1) / (known labels + 2).
        n_features_in_: Size of a feature.

    Examples:
        >>> features = np.linspace(-1, 1, 40)[:, None]
        >>> labels = np.where(features > 0, 1.0, -1.0)
        >>> labels[::3] = np.nan  # nobody looked
        >>> classifier = PartialLabelClassifier().fit(features, labels)
        >>> classifier.predict([[-0.9], [0.9]]).tolist()
        [[0], [1]]
    """

    def __init__(
        self,
        *,
        encoders: EncoderPair | None = None,
        image_size: int = 224,
        zero: ZeroMeaning | None = None,
        penalty: float | None = None,
        batch_size: int = 32,
    ) -> None:
        """Keep the settings as they are; `fit` looks at them."""
        self.encoders, self.image_size, self.batch_size = encoders, image_size, batch_size
        self.zero: ZeroMeaning | None = zero
        self.penalty = penalty

    def fit(self, X: Any, y: Any) -> "PartialLabelClassifier":  # noqa: ANN401
        """Learn from features or pictures, and from labels of which some are unknown.

        Args:
            X: Features [images dim], or, with `encoders`, a list of pictures, see
                `trmml.data.Picture`.
            y: Labels [images classes]: 1 is there, -1 is not there, nan is unknown. 0 is "negative"
                or "unknown", as `zero` says. Without `zero`, it is negative where nan stands for
                the unknown, and unknown beside -1.

        Returns:
            This classifier.

        Raises:
            ValueError: If sizes do not fit, features are not finite, labels hold other values or
                leave open what 0 means, or there are fewer than 2 images; or as `logistic_probes`.
            BrokenImageError: If a picture cannot be read; a ValueError.
        """
        features = self._features(X)
        labels = signed_labels(y, zero=self.zero)
        if len(features) != len(labels) or len(labels) < 2:
            raise ValueError(
                "`X` and `y` must have the same number of rows, at least 2, got "
                f"{len(features)} and {len(labels)}."
            )
        positives, negatives = (labels == POSITIVE).sum(0), (labels == NEGATIVE).sum(0)
        judged = (positives > 0) & (negatives > 0)
        mean, deviation = features.mean(0), features.std(0, correction=0)
        deviation = torch.where(deviation > 0, deviation, 1)
        standard = (features - mean) / deviation
        penalty = self.penalty
        if penalty is None:
            penalty = _best(standard, labels) if bool(judged.any()) else UNJUDGED
        self.penalty_ = penalty
        weights = standard.new_zeros(standard.shape[1], labels.shape[1])
        share = (positives + 1).double() / (positives + negatives + 2)
        constants = share.logit()
        if bool(judged.any()):
            weights[:, judged], constants[judged] = logistic_probes(
                standard, labels[:, judged], penalty=penalty
            )
        self.coef_ = (weights / deviation[:, None]).T.numpy()
        self.intercept_ = (constants - mean / deviation @ weights).numpy()
        self.one_sided_ = (~judged).nonzero().flatten().tolist()
        self.n_features_in_ = features.shape[1]
        return self

    def decision_function(self, X: Any) -> np.ndarray:  # noqa: ANN401
        """Return logits, float64 [images classes].

        Args:
            X: As in `fit`.

        Raises:
            RuntimeError: If nothing was fitted yet.
            ValueError: As `fit`, or if features have another size.
        """
        if not hasattr(self, "coef_"):
            raise RuntimeError("`fit` must be called first; there is nothing to predict by yet.")
        features = self._features(X)
        if features.shape[1] != self.n_features_in_:
            raise ValueError(
                f"`X` must have {self.n_features_in_} features, as in `fit`, got "
                f"{features.shape[1]}."
            )
        return features.numpy() @ self.coef_.T + self.intercept_

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: ANN401
        """Return the probability of every class in every image, [images classes] in [0, 1].

        Args:
            X: As in `fit`.

        Raises:
            RuntimeError: As `decision_function`.
            ValueError: As `decision_function`.
        """
        return torch.from_numpy(self.decision_function(X)).sigmoid().numpy()

    def predict(self, X: Any) -> np.ndarray:  # noqa: ANN401
        """Return 1 where a class is as probable as not, or more, else 0, [images classes].

        Args:
            X: As in `fit`.
        """
        return (self.decision_function(X) >= 0).astype(np.int64)

    def score(self, X: Any, y: Any) -> float:  # noqa: ANN401
        """Return the mean average precision on the known labels, in [0, 1].

        Args:
            X: As in `fit`.
            y: As in `fit`.

        Raises:
            ValueError: As `fit`.
        """
        scores = torch.from_numpy(self.decision_function(X))
        return mean_average_precision(scores, signed_labels(y, zero=self.zero))

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002 - no nested ones
        """Return the settings by name, as scikit-learn copies them."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self, **settings: Any) -> "PartialLabelClassifier":  # noqa: ANN401
        """Change settings by name.

        Raises:
            ValueError: If there is no such setting.
        """
        known = self.get_params()
        if unknown := sorted(settings.keys() - known.keys()):
            raise ValueError(f"`set_params` takes {', '.join(known)}, got {', '.join(unknown)}.")
        for name, value in settings.items():
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        """Show what builds it again."""
        usual = inspect.signature(type(self)).parameters
        settings = self.get_params().items()
        changed = [f"{name}={one!r}" for name, one in settings if one is not usual[name].default]
        return f"{type(self).__name__}({', '.join(changed)})"

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401 - only scikit-learn asks, so it is there
        """Say what it is; no "classifier", for which scikit-learn refuses labels of nan."""
        from sklearn.utils import InputTags, Tags, TargetTags

        return Tags(
            estimator_type=None,
            target_tags=TargetTags(required=True, multi_output=True, single_output=False),
            input_tags=InputTags(allow_nan=False),
        )

    def _features(self, X: Any) -> Tensor:  # noqa: ANN401
        """Return features as float64, encoded where pictures were given."""
        if self.encoders is not None:
            found = picture_features(
                self.encoders, X, image_size=self.image_size, batch_size=self.batch_size
            )
            return found.cpu().double()
        try:
            features = torch.as_tensor(np.asarray(X, dtype=np.float64))
        except (TypeError, ValueError):
            raise ValueError(
                "`X` must be numbers [images dim]; for pictures, say by which towers they are to "
                "be seen: `PartialLabelClassifier(encoders=...)`."
            ) from None
        if features.ndim != 2:
            raise ValueError(f"`X` must be [images dim], got {list(features.shape)}.")
        if not bool(features.isfinite().all()):
            raise ValueError("`X` must be finite, got nan or infinity.")
        return features


def _best(features: Tensor, labels: Tensor) -> float:
    """Choose the penalty by images that were not seen."""
    return out_of_fold_probabilities(features, labels, folds=min(5, len(labels))).penalty
