"""Finds the local folder of a checkpoint by its name."""

from pathlib import Path
from typing import Final

from deployments.errors import Unavailable
from deployments.nano.weights import verified, version
from deployments.settings import Settings

_NANO: Final = "nano:"
# Files that the loaders read: hubs hold the same weights in further formats, at 17 GB each.
_FILES: Final = ["*.json", "*.safetensors", "*.txt", "*.model", "model.bin", "*.jinja"]


def fetch_checkpoint(source: str, settings: Settings) -> Path:
    """Returns the folder of a checkpoint and downloads it first if necessary.

    Args:
        source: A hub id (`HKUSTAudio/Llasa-8B`), a local folder, or `nano:llasa`, `nano:xcodec2`, `nano:whisper`.
        settings: Cache, hub and token.

    Raises:
        Unavailable: the folder does not exist, the hub refuses, or a shipped checkpoint was changed. The message says
            what to do.
    """
    if source.startswith(_NANO):
        return verified(source.removeprefix(_NANO))
    folder = Path(source).expanduser()
    if folder.is_dir():
        return folder
    if folder.is_absolute() or source.startswith((".", "~")) or source.count("/") != 1:
        raise Unavailable(f"There is no checkpoint folder {source}: name one that exists, or a hub id like owner/name.")
    return _download(source, settings.models_cache_dir.expanduser(), settings)


def identity(source: str) -> str:
    """Returns what codes of a checkpoint are stored with: its name, and the version of one that ships."""
    return f"{source}@{version(source.removeprefix(_NANO))}" if source.startswith(_NANO) else source


def _download(source: str, cache: Path, settings: Settings) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError, RepositoryNotFoundError

    token = settings.hf_token.get_secret_value() if settings.hf_token else None
    try:
        return Path(
            snapshot_download(
                source, cache_dir=cache, endpoint=settings.hf_endpoint, token=token, allow_patterns=_FILES
            )
        )
    except GatedRepoError as error:
        raise Unavailable(
            f"{source} is gated: accept its licence on its page of the hub, then set HF_TOKEN to that account's token."
        ) from error
    except RepositoryNotFoundError as error:
        raise Unavailable(
            f"The hub knows no {source}, or hides it: check the name, or set HF_TOKEN to a token that may read it."
        ) from error
    except (LocalEntryNotFoundError, OSError) as error:
        raise Unavailable(
            f"{source} is not in {cache} and the hub cannot be reached: set HF_ENDPOINT to a mirror, or download the "
            f"checkpoint elsewhere and name its folder, or choose PROFILE=nano, which needs no download. ({error})"
        ) from error
