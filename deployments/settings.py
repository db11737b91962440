"""Settings, from the environment or a `.env` file.

`python -m scripts.reference` writes the table in docs/ and `.env.example` from the descriptions.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, Literal, get_args

from pydantic import BeforeValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from deployments.profiles import AUTO, InvalidProfiles, WeightType, check_profile_name, read_profiles
from deployments.profiles import Rate as Rate

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
LogFormat = Literal["text", "json"]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]


def _listed(value: object) -> object:
    return tuple(part for each in value.split(",") if (part := each.strip())) if isinstance(value, str) else value


CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
"""Names, separated by commas in the environment."""


class Settings(BaseSettings):
    """The service's settings; a field's environment variable is its name in capitals."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    profiles_file: Annotated[
        Path | None,
        Field(
            description="TOML file with further profiles, in the form of `deployments/profiles.toml`. On a cluster, "
            "all nodes must have it."
        ),
    ] = None
    profile: Annotated[
        str,
        Field(
            description="Checkpoints, defaults and devices to use: the name of a profile. `auto` is the largest Llasa "
            "that fits the best GPU, if need be with int8 weights, or `nano` if none does."
        ),
    ] = AUTO
    llasa_model_path: Annotated[
        str | None, Field(description="Hub id or local folder of a Llasa checkpoint. Overrides the profile.")
    ] = None
    llasa_weights: Annotated[
        WeightType,
        Field(
            description="Type of Llasa's weights, made from the checkpoint while it loads. `auto` has 16 bits, "
            "unless `PROFILE=auto` finds no Llasa that fits with them and takes int8. `int8` "
            "and `fp8` need about half of the memory and change the codes a little. `fp8` needs a GPU of compute "
            "capability 8.9 or more."
        ),
    ] = "auto"
    xcodec_model_path: Annotated[
        str | None,
        Field(
            description="Hub id or local folder of an XCodec2 checkpoint in the format of transformers. Overrides the "
            "profile."
        ),
    ] = None
    whisper_model_path: Annotated[
        str | None,
        Field(description="Hub id or local folder of a CTranslate2 Whisper checkpoint. Overrides the profile."),
    ] = None
    models_cache_dir: Annotated[Path, Field(description="Folder for downloaded checkpoints.")] = Path(
        "~/.cache/llasa-serve"
    )
    hf_endpoint: Annotated[str | None, Field(description="URL of a mirror of the Hugging Face hub.")] = None
    hf_token: Annotated[SecretStr | None, Field(description="Hub token, for gated checkpoints.")] = None

    api_host: Annotated[
        str, Field(description="Address to listen on. `0.0.0.0` accepts connections from other machines.")
    ] = "127.0.0.1"
    api_port: Annotated[int, Field(ge=1, le=65_535, description="Port to listen on.")] = 7861
    api_key: Annotated[
        SecretStr | None,
        Field(description="API key that clients must send. If `API_KEY` and `API_KEYS` are unset, no key is required."),
    ] = None
    api_keys: Annotated[SecretStr | None, Field(description="Named API keys: `alice=sk-one,bob=sk-two`.")] = None
    health_open: Annotated[bool, Field(description="Serve `/health` without a key.")] = True
    docs_open: Annotated[bool, Field(description="Serve `/apidocs` and `/openapi.json` without a key.")] = True
    cors_origins: Annotated[
        CommaSeparated,
        Field(description="Origins of web pages that may call the service, comma-separated, or `*`. Unset: none."),
    ] = ()
    mcp_allowed_hosts: Annotated[
        CommaSeparated,
        Field(
            description="Host names accepted at `/mcp`, comma-separated; `name:*` accepts any port. Unset: the names "
            "of this machine if `API_HOST` is a loopback address, otherwise any."
        ),
    ] = ()
    log_level: Annotated[LogLevel, Field(description="Log level of the deployments.")] = "INFO"
    log_format: Annotated[
        LogFormat, Field(description="`json` writes one object per line, with the id of the request.")
    ] = "text"
    metrics_port: Annotated[
        int | None, Field(ge=1, le=65_535, description="Port of the Prometheus metrics. Unset: Ray chooses one.")
    ] = None
    gpu_idle_timeout: Annotated[
        float,
        Field(
            ge=0,
            description="Seconds without a request after which a model leaves the GPU and falls asleep in host memory.",
        ),
    ] = 600
    gpu_release_timeout: Annotated[
        float,
        Field(
            ge=0,
            description="Seconds asleep after which a model is unloaded: its process ends. With 0, models are unloaded "
            "instead of falling asleep, so that a cluster can give their nodes back.",
        ),
    ] = 3600

    warm_up: Annotated[
        bool,
        Field(
            description="Whether `llasa-serve serve` loads the models as soon as it is ready, so that the first "
            "request need not wait: Llasa and XCodec2, and Whisper if it is small. Clusters ignore it: their GPU "
            "nodes start with the first request, or with `POST /api/gpu/warm`."
        ),
    ] = True
    model_wait_timeout: Annotated[
        float,
        Field(
            gt=0, description="Seconds that a request waits for a model to load before it gets 503 with `Retry-After`."
        ),
    ] = 600

    max_running_requests: Annotated[
        int | None,
        Field(
            ge=1,
            description="Requests processed at once, divided equally among the ingress replicas. Unset: the batch size"
            " of all Llasa replicas together.",
        ),
    ] = None
    max_queued_requests: Annotated[
        int,
        Field(
            ge=0,
            description="Requests that may wait for a turn, divided equally among the ingress replicas. Further "
            "requests get 429.",
        ),
    ] = 64
    request_timeout: Annotated[
        float, Field(gt=0, description="Seconds that a request may take, including its wait. After that it gets 408.")
    ] = 900

    live_idle_timeout: Annotated[
        float,
        Field(gt=0, description="Seconds without a message and without speech after which a live session is closed."),
    ] = 30

    max_text_length: Annotated[int, Field(ge=1, description="Longest text, in characters.")] = 5000
    take_retries: Annotated[
        int, Field(ge=0, le=9, description="Further attempts at a part of a text if a take has a flaw.")
    ] = 2
    verify: Annotated[bool, Field(description="Whether Whisper checks all speech. Requests may override it.")] = False
    best_of: Annotated[
        int,
        Field(
            ge=1,
            le=8,
            description="Takes generated for each part of a text, of which the best is kept. Requests may override it.",
        ),
    ] = 1
    reference_check: Annotated[
        Literal["off", "refuse", "repair"],
        Field(
            description="What to do if Whisper hears something other than the given text in a reference clip: `refuse`"
            " the request, `repair` the text, or `off` (do not check). Requests may override it."
        ),
    ] = "refuse"
    max_audio_duration: Annotated[
        float, Field(gt=0, description="Longest reference clip, in seconds. Clips above 15 s are cut at a word.")
    ] = 60
    min_audio_duration: Annotated[
        float, Field(gt=0, description="Shortest reference clip, in seconds. The minimum for transcription is 0.1 s.")
    ] = 0.5
    max_transcription_duration: Annotated[
        float, Field(gt=0, description="Longest recording to transcribe, in seconds.")
    ] = 3600
    max_upload_mb: Annotated[float, Field(gt=0, description="Largest request body, in megabytes.")] = 50
    default_sample_rate: Annotated[
        Rate | None,
        Field(
            description="Sample rate of speech in Hz, if the request has none. Unset: 24000, as OpenAI's clients "
            "expect, but 16000, at which the models generate, at `/api/tts`."
        ),
    ] = None
    default_random_seed: Annotated[Seed, Field(description="Seed, if the request has none.")] = 49
    voices_dir: Annotated[
        Path,
        Field(
            description="Folder of the stored voices and pronunciations. On a cluster, all ingress replicas must share "
            "it."
        ),
    ] = Path("~/.local/share/llasa-serve/voices")
    max_voices: Annotated[int, Field(ge=0, description="Number of voices that may be stored.")] = 1_000
    voice_cache_mb: Annotated[
        float, Field(ge=0, description="Size of the voice cache of an ingress replica, in megabytes.")
    ] = 16
    ref_audio_hosts: Annotated[
        CommaSeparated,
        Field(
            description="Hosts from which clips may be downloaded, comma-separated; `*.example.com` accepts all "
            "subdomains, `*` any host. Private addresses are always refused. Unset: none."
        ),
    ] = ()
    outputs_dir: Annotated[
        Path | None,
        Field(
            description="Folder in which a copy of all speech is kept. Anyone who knows the name of a copy can read "
            "it. On a cluster, all ingress replicas must share it. Unset: no copies."
        ),
    ] = None
    outputs_days: Annotated[
        float | None, Field(gt=0, description="Days after which copies are deleted. Unset: never.")
    ] = None
    jobs_dir: Annotated[
        Path,
        Field(
            description="Folder of the jobs: their journal, their audio. On a cluster, a volume that the node of `Jobs`"
            " mounts."
        ),
    ] = Path("~/.local/share/llasa-serve/jobs")
    jobs_days: Annotated[
        float, Field(gt=0, description="Days after its last change after which a job and its audio are deleted.")
    ] = 30
    max_jobs: Annotated[int, Field(ge=0, description="Unfinished jobs that a client may have.")] = 1_000
    max_job_length: Annotated[int, Field(ge=1, le=5_000_000, description="Longest text of a job, in characters.")] = (
        5_000_000
    )
    max_job_recording: Annotated[
        float, Field(gt=0, description="Longest recording to transcribe as a job, in seconds.")
    ] = 14_400
    max_jobs_mb: Annotated[
        float,
        Field(gt=0, description="Audio of jobs that a client may store, in megabytes. With more, new jobs get 429."),
    ] = 20_000
    temp_dir: Annotated[
        Path | None,
        Field(description="Folder for uploads above 1 MB while they are read. Unset: the default of the system."),
    ] = None

    @field_validator("profiles_file")
    @classmethod
    def _readable(cls, file: Path | None) -> Path | None:
        _checked(lambda: read_profiles(file))
        return file

    @field_validator("profile")
    @classmethod
    def _known(cls, name: str, info: ValidationInfo) -> str:
        if "profiles_file" in info.data:  # else it is invalid
            _checked(lambda: check_profile_name(name, read_profiles(info.data["profiles_file"])))
        return name

    @field_validator("api_keys")
    @classmethod
    def _named_and_apart(cls, keys: SecretStr | None) -> SecretStr | None:
        pairs = _pairs(keys)
        if not all(name and key for name, key in pairs) or len(dict(pairs)) < len(pairs):
            # Does not quote the value: it could contain a key.
            raise ValueError("keys are written name=key, comma-separated, and each name once")
        return keys

    def keys(self) -> dict[str, str]:
        """Returns all keys by name; API_KEY's name is `default`. Empty: no key is required."""
        single = {"default": self.api_key.get_secret_value()} if self.api_key else {}
        return single | dict(_pairs(self.api_keys))


def _checked(check: Callable[[], object]) -> None:
    try:
        check()
    except InvalidProfiles as error:
        raise PydanticCustomError("profile", "{reason}", {"reason": str(error).removesuffix(".")}) from error


def _pairs(keys: SecretStr | None) -> list[tuple[str, str]]:
    written = keys.get_secret_value().split(",") if keys else []
    pairs = [pair.partition("=") for pair in written]
    return [(name.strip(), key.strip()) for name, _, key in pairs]


SECRETS: Final = frozenset(
    name for name, field in Settings.model_fields.items() if SecretStr in get_args(field.annotation)
)
"""Fields whose values no message may show."""
