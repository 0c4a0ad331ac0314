"""Folders of models on the Hugging Face Hub: found there, and sent there."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from trmml.extras import install_line
from trmml.models.saved_model import CARD, WEIGHTS

__all__ = ["find_model", "push_folder"]

REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


def push_folder(
    repo_id: str,
    write: Callable[[Path], None],
    *,
    commit_message: str = "Upload a model by trmml",
    private: bool | None = None,
    token: str | bool | None = None,
    branch: str | None = None,
    create_pr: bool = False,
) -> str:
    """Upload a folder in one commit.

    Args:
        repo_id: Repository such as "user/name"; made if absent.
        write: Fills the folder that it is given.
        commit_message: Of the commit.
        private: Whether a repository that is made now is private; None is the account's usual.
        token: Who writes; None takes that of `hf auth login`.
        branch: Where to; None is the main one.
        create_pr: Whether to propose the commit instead of making it.

    Returns:
        Address of the commit.

    Raises:
        ModuleNotFoundError: If huggingface_hub is not installed.
        ValueError: If `repo_id` is no name of a repository.
        FileNotFoundError: If the repository is not there and may not be made.
        PermissionError: If the token may not write.
        ConnectionError: If the Hub cannot be reached, or refuses.
    """
    with _clear_errors(repo_id) as hub, TemporaryDirectory() as scratch:
        api = hub.HfApi(token=token, library_name="trmml")
        repo_id = api.create_repo(repo_id, private=private, exist_ok=True).repo_id
        write(Path(scratch))
        commit = api.upload_folder(
            repo_id=repo_id,
            folder_path=scratch,
            commit_message=commit_message,
            revision=branch,
            create_pr=create_pr,
        )
    return str(commit.commit_url)  # before 1.0 the answer itself reads as that of the folder


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
    with _clear_errors(name, revision) as hub:
        found = hub.snapshot_download(
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
def _clear_errors(repo_id: str, revision: str | None = None) -> Iterator[Any]:
    """Give the Hub's client, and say in one line what went wrong, and what to do."""
    try:
        import huggingface_hub as hub
        from huggingface_hub import errors
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"the Hugging Face Hub needs huggingface_hub; {install_line('hub')}", name=error.name
        ) from error
    # What the client beneath raises where there is no network, requests before 1.0 and httpx since.
    kinds = [kind for kind in errors.HfHubHTTPError.__mro__ if kind.__module__ != "builtins"]
    network_error: type[Exception] = kinds[-1]
    try:
        yield hub
    except errors.HFValidationError as error:
        raise ValueError(
            f"`repo_id` must be a repository such as 'user/name', got {repo_id!r}: {error}"
        ) from error
    except errors.GatedRepoError as error:
        raise PermissionError(
            f"{repo_id} is open only to those who were let in: ask on its page, then pass your "
            "`token`, or run `hf auth login`."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise FileNotFoundError(f"{repo_id} on the Hub has no revision {revision!r}.") from error
    except errors.RepositoryNotFoundError as error:
        raise FileNotFoundError(
            f"{repo_id} is neither a folder here nor a repository on the Hub that you may read; "
            "check the name, pass a `token`, or run `hf auth login`."
        ) from error
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled) as error:
        raise FileNotFoundError(
            f"{repo_id} is neither a folder here nor in the cache, and the Hub cannot be reached "
            "or must not be; check the name, or load it once where there is a network."
        ) from error
    except network_error as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        kind = PermissionError if status in (401, 403) else ConnectionError
        first = next(iter(str(error).splitlines()), "no answer")
        raise kind(f"the Hub did not take the call for {repo_id}: {first}") from error
