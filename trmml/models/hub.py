"""Models on the Hugging Face Hub."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCard, ModelCardData, ModelHubMixin, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from trmml.encoders.fingerprint import pair_fingerprints
from trmml.models.model_card import PAPER, model_card_text, report_figures
from trmml.models.saved_model import CARD, WEIGHTS

__all__ = ["HubModel", "find_model"]

# What the client beneath raises where there is no network; it has changed its name before.
NETWORK_ERROR: type[Exception] = HfHubHTTPError.__bases__[0]
REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


class HubModel(
    ModelHubMixin,
    library_name="trmml",
    pipeline_tag="image-classification",
    tags=["multi-label", "partial-labels", "clip", "trm-ml"],
    paper_url=PAPER,
):
    """What Hugging Face's mixin gives a model: `push_to_hub` and a generated model card.

    Models write and read their folders themselves, so that a stop leaves the old or the new one.
    """

    def push_to_hub(
        self,
        repo_id: str,
        *,
        license: str | None = None,
        report: Mapping[str, Any] | None = None,
        **options: Any,  # noqa: ANN401 - the mixin's, checked there
    ) -> str:
        """Upload what `save_pretrained` writes, with a model card, in one commit.

        Args:
            repo_id: Repository such as "user/name"; made if absent.
            license: License of the weights, such as "cc-by-4.0"; None leaves it open, and says so.
            report: Figures for the card, such as `trmml.prediction.Evaluation.as_dict()`.
            **options: Those of `huggingface_hub.ModelHubMixin.push_to_hub`: `commit_message`,
                `private`, `token`, `branch`, `create_pr` and patterns of files.

        Returns:
            Address of the commit.

        Raises:
            ValueError: If `repo_id` is no name of a repository.
            FileNotFoundError: If the repository is not there and may not be made.
            PermissionError: If the token may not write.
            ConnectionError: If the Hub cannot be reached, or refuses.
        """
        facts = {"repo_id": repo_id, "license": license, "report": report}
        with _clear_errors(repo_id):
            return super().push_to_hub(repo_id, model_card_kwargs=facts, **options)

    def generate_model_card(
        self,
        *,
        repo_id: str = "user/name",
        license: str | None = None,
        report: Mapping[str, Any] | None = None,
    ) -> ModelCard:
        """Write the page that introduces the model, with a front matter that the Hub reads.

        Args:
            repo_id: Repository that the page tells to load from.
            license: License of the weights; None leaves it open, and says so.
            report: Figures for the page; plain numbers are taken, at most one level down.
        """
        model: Any = self
        data = type(self)._hub_mixin_info.model_card_data.to_dict()
        metrics = [name for name in report_figures(report) if name.endswith("average_precision")]
        extra = {"license": license, "metrics": metrics}
        data |= {key: value for key, value in extra.items() if value}
        text = model_card_text(
            repo_id=repo_id,
            class_names=model.class_names,
            source=model.encoders.source,
            fingerprints=pair_fingerprints(model.encoders),
            image_size=model.image_size,
            config=model.config,
            thresholds=model.decision_thresholds,
            license=license,
            report=report,
        )
        return ModelCard(f"---\n{ModelCardData(**data).to_yaml()}\n---\n\n{text}")


def find_model(
    directory: str | Path,
    *,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: str | Path | None = None,
    local_files_only: bool = False,
    force_download: bool = False,
) -> Path:
    """Return the folder of a saved model, downloaded or from the cache if it is on the Hub.

    Args:
        directory: A folder; or, where there is no such folder, a repository such as "user/name".
        revision: Branch, tag or commit; None is the latest.
        token: Who asks, where that matters; None takes that of `hf auth login`.
        cache_dir: Where downloads are kept; None is the Hub's usual place.
        local_files_only: Whether to look in the cache alone.
        force_download: Whether to download again what the cache has.

    Raises:
        FileNotFoundError: If the repository or the revision does not exist, may not be read, or is
            not in the cache when the Hub cannot be reached.
        ConnectionError: If the Hub refuses.
    """
    name = str(directory)
    if isinstance(directory, Path) or Path(name).exists() or not REPOSITORY.fullmatch(name):
        return Path(directory)
    with _clear_errors(name, revision):
        found = snapshot_download(
            name,
            revision=revision,
            token=token,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
            force_download=force_download,
            allow_patterns=[WEIGHTS, CARD],
            library_name="trmml",
        )
    return Path(str(found))


@contextmanager
def _clear_errors(repo_id: str, revision: str | None = None) -> Iterator[None]:
    """Say in one line what went wrong, and what to do."""
    try:
        yield
    except HFValidationError as error:
        raise ValueError(
            f"`repo_id` must be a repository such as 'user/name', got {repo_id!r}: {error}"
        ) from error
    except GatedRepoError as error:
        raise PermissionError(
            f"{repo_id} is open only to those who were let in: ask on its page, then pass your "
            "`token`, or run `hf auth login`."
        ) from error
    except RevisionNotFoundError as error:
        raise FileNotFoundError(f"{repo_id} on the Hub has no revision {revision!r}.") from error
    except RepositoryNotFoundError as error:
        raise FileNotFoundError(
            f"{repo_id} is neither a folder here nor a repository on the Hub that you may read; "
            "check the name, pass a `token`, or run `hf auth login`."
        ) from error
    except (LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
        raise FileNotFoundError(
            f"{repo_id} is neither a folder here nor in the cache, and the Hub cannot be reached "
            "or must not be; check the name, or load it once where there is a network."
        ) from error
    except NETWORK_ERROR as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        kind = PermissionError if status in (401, 403) else ConnectionError
        first = next(iter(str(error).splitlines()), "no answer")
        raise kind(f"the Hub did not take the call for {repo_id}: {first}") from error
