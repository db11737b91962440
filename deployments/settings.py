"""All settings, from the environment or a `.env` file. README's table and `.env.example` are generated from here."""

from pathlib import Path
from typing import Annotated, Final, Literal, get_args

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ProfileName = Literal["auto", "nano", "llasa-8b", "llasa-3b", "llasa-1b"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
LogFormat = Literal["text", "json"]
Rate = Annotated[int, Field(ge=8_000, le=48_000)]
"""Hz."""
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]


class Settings(BaseSettings):
    """The service's settings; a field's environment variable is its name in capitals."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    profile: Annotated[
        ProfileName,
        Field(description="Checkpoints and their device. `auto`: `llasa-8b` if Ray has a GPU, else `nano`."),
    ] = "auto"
    llasa_model_path: Annotated[
        str | None, Field(description="Hub id or local folder of a Llasa; overrides the profile's.")
    ] = None
    xcodec_model_path: Annotated[
        str | None, Field(description="Hub id or local folder of an XCodec2 in transformers' format.")
    ] = None
    whisper_model_path: Annotated[str | None, Field(description="Hub id or local folder of a CTranslate2 Whisper.")] = (
        None
    )
    models_cache_dir: Annotated[Path, Field(description="Folder of downloaded checkpoints.")] = Path(
        "~/.cache/llasa-serve"
    )
    hf_endpoint: Annotated[str | None, Field(description="URL of a mirror of the Hugging Face hub.")] = None
    hf_token: Annotated[SecretStr | None, Field(description="Hub token, for gated checkpoints.")] = None

    api_host: Annotated[str, Field(description="Address to listen on. `0.0.0.0` admits other machines.")] = "127.0.0.1"
    api_port: Annotated[int, Field(ge=1, le=65_535, description="Port to listen on.")] = 7861
    api_key: Annotated[
        SecretStr | None, Field(description="API key of clients. No key is required if this and `API_KEYS` are unset.")
    ] = None
    api_keys: Annotated[SecretStr | None, Field(description="Several named API keys: `alice=sk-one,bob=sk-two`.")] = (
        None
    )
    health_open: Annotated[bool, Field(description="Whether `/health` answers without a key.")] = True
    docs_open: Annotated[bool, Field(description="Whether `/apidocs` and `/openapi.json` answer without a key.")] = True
    cors_origins: Annotated[
        str | None,
        Field(description="Origins of web pages that may call the service, comma-separated, or `*`. Unset: none."),
    ] = None
    mcp_allowed_hosts: Annotated[
        str | None,
        Field(
            description="Hosts by which assistants may call `/mcp`, comma-separated, `name:*` for any port. Unset: "
            "this machine's own if `API_HOST` is, else all."
        ),
    ] = None
    log_level: Annotated[LogLevel, Field(description="Log level of the deployments.")] = "INFO"
    log_format: Annotated[LogFormat, Field(description="`json`: one object per line, with the request's id.")] = "text"
    metrics_port: Annotated[
        int | None, Field(ge=1, le=65_535, description="Port of the Prometheus metrics. Unset: Ray chooses one.")
    ] = None
    gpu_idle_timeout: Annotated[
        float, Field(ge=0, description="Seconds without a request after which a model leaves the GPU.")
    ] = 600

    model_wait_timeout: Annotated[
        float, Field(gt=0, description="Seconds a request waits for models before it gets 503 with Retry-After.")
    ] = 600

    max_running_requests: Annotated[
        int | None,
        Field(
            ge=1,
            description="Maximum running requests, shared equally by the ingress replicas. Unset: the batches of all "
            "Llasas.",
        ),
    ] = None
    max_queued_requests: Annotated[
        int, Field(ge=0, description="Maximum waiting requests, shared in the same way; further ones get 429.")
    ] = 64
    request_timeout: Annotated[
        float, Field(gt=0, description="Seconds a request may take, including its wait; then it gets 408.")
    ] = 900

    max_text_length: Annotated[int, Field(ge=1, description="Maximum characters of a target text.")] = 5000
    take_retries: Annotated[
        int, Field(ge=0, le=9, description="Retries of a part of a text that was spoken with a flaw.")
    ] = 2
    verify: Annotated[bool, Field(description="Whether Whisper checks all speech, by default.")] = False
    best_of: Annotated[int, Field(ge=1, le=8, description="Parallel takes of each part of a text, by default.")] = 1
    reference_check: Annotated[
        Literal["auto", "off", "refuse", "repair"],
        Field(
            description="Whether Whisper checks a clip that comes with its text, and refuses it if they differ "
            "or replaces the text. `auto`: `refuse`, but `off` with the embedded Whisper of `nano`."
        ),
    ] = "auto"
    max_audio_duration: Annotated[
        float, Field(gt=0, description="Maximum seconds of a reference clip. Above 15 it is cut at a word.")
    ] = 60
    min_audio_duration: Annotated[
        float, Field(gt=0, description="Minimum seconds of a reference clip; 0.1 for a recording.")
    ] = 0.5
    max_transcription_duration: Annotated[float, Field(gt=0, description="Maximum seconds of a recording.")] = 3600
    max_upload_mb: Annotated[float, Field(gt=0, description="Maximum megabytes of a request.")] = 50
    default_sample_rate: Annotated[Rate, Field(description="Default Hz of responses. The models generate 16000.")] = (
        16_000
    )
    default_random_seed: Annotated[Seed, Field(description="Default seed.")] = 49
    voices_dir: Annotated[
        Path, Field(description="Folder of the stored voices; on a cluster, one that every ingress replica sees.")
    ] = Path("~/.local/share/llasa-serve/voices")
    max_voices: Annotated[int, Field(ge=0, description="Maximum stored voices.")] = 1_000
    voice_cache_mb: Annotated[
        float, Field(ge=0, description="Megabytes of voices that an ingress replica caches in memory.")
    ] = 16
    ref_audio_hosts: Annotated[
        str | None,
        Field(
            description="Hosts from which `ref_audio` may be fetched: comma-separated names, `*.example.com` for "
            "all subdomains, or `*`. Unset: none. Private addresses never."
        ),
    ] = None
    outputs_dir: Annotated[
        Path | None,
        Field(
            description="Folder for copies of all speech, which clients can read by name; on a cluster, "
            "one that every ingress replica sees. Unset: no copies."
        ),
    ] = None
    outputs_days: Annotated[
        float | None, Field(gt=0, description="Days after which copies are deleted. Unset: never.")
    ] = None
    temp_dir: Annotated[
        Path | None, Field(description="Folder for uploads above 1 MB while they are read. Unset: the system's.")
    ] = None

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


def _pairs(keys: SecretStr | None) -> list[tuple[str, str]]:
    written = keys.get_secret_value().split(",") if keys else []
    pairs = [pair.partition("=") for pair in written]
    return [(name.strip(), key.strip()) for name, _, key in pairs]


SECRETS: Final = frozenset(
    name for name, field in Settings.model_fields.items() if SecretStr in get_args(field.annotation)
)
"""Fields whose values no message may show."""
