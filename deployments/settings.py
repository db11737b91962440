"""Every setting, from the environment or a `.env` file. The README's table and `.env.example` are written from here."""

from pathlib import Path
from typing import Annotated, Final, Literal, get_args

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from deployments.speech.outputs import Outputs
from deployments.speech.policy import Policy

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
        Field(description="Which checkpoints run, on what. `auto`: `llasa-8b` where Ray has a GPU, else `nano`."),
    ] = "auto"
    llasa_model_path: Annotated[
        str | None, Field(description="Hub id or local folder of a Llasa, in place of the profile's.")
    ] = None
    xcodec_model_path: Annotated[
        str | None, Field(description="Hub id or local folder of an XCodec2 in transformers' format, likewise.")
    ] = None
    whisper_model_path: Annotated[
        str | None, Field(description="Hub id or local folder of a CTranslate2 Whisper, likewise.")
    ] = None
    models_cache_dir: Annotated[Path, Field(description="Where downloaded checkpoints are kept.")] = Path(
        "~/.cache/llasa-serve"
    )
    hf_endpoint: Annotated[str | None, Field(description="Address of a mirror of the Hugging Face hub.")] = None
    hf_token: Annotated[SecretStr | None, Field(description="Hub token, for checkpoints that ask for one.")] = None

    api_host: Annotated[str, Field(description="Address to listen on. `0.0.0.0` lets other machines in.")] = "127.0.0.1"
    api_port: Annotated[int, Field(ge=1, le=65_535, description="Port to listen on.")] = 7861
    api_key: Annotated[
        SecretStr | None, Field(description="Key that clients send. Unset, as is `API_KEYS`: none is asked for.")
    ] = None
    api_keys: Annotated[
        SecretStr | None, Field(description="Several keys, each with a name: `alice=sk-one,bob=sk-two`.")
    ] = None
    health_open: Annotated[bool, Field(description="Whether `/health` answers without a key.")] = True
    docs_open: Annotated[bool, Field(description="Whether `/apidocs` and `/openapi.json` answer without a key.")] = True
    cors_origins: Annotated[
        str | None,
        Field(description="Web pages that may call the service: origins with commas between, or `*`. Unset: none."),
    ] = None
    mcp_allowed_hosts: Annotated[
        str | None,
        Field(
            description="Hosts by which assistants may call `/mcp`, with commas between, `name:*` for any port. Unset: "
            "this machine's own if `API_HOST` is, else all."
        ),
    ] = None
    log_level: Annotated[LogLevel, Field(description="How much the deployments log.")] = "INFO"
    log_format: Annotated[
        LogFormat, Field(description="`json`: a line is an object, and tells its request's id, for machines to read.")
    ] = "text"
    metrics_port: Annotated[
        int | None, Field(ge=1, le=65_535, description="Port of the metrics for Prometheus. Unset: Ray chooses one.")
    ] = None
    gpu_idle_timeout: Annotated[
        float, Field(ge=0, description="Seconds without a request after which a model leaves the GPU.")
    ] = 600

    model_wait_timeout: Annotated[
        float, Field(gt=0, description="Seconds a request waits for models to load before it is told to come back.")
    ] = 600

    max_running_requests: Annotated[
        int | None,
        Field(ge=1, description="Requests at work at once, of each ingress replica. Unset: Llasa's batch."),
    ] = None
    max_queued_requests: Annotated[
        int, Field(ge=0, description="Requests that wait for their turn; more are told 429.")
    ] = 64
    request_timeout: Annotated[
        float, Field(gt=0, description="Seconds that a request may take, its waiting included; then it is told 408.")
    ] = 900

    max_text_length: Annotated[int, Field(ge=1, description="Characters a target text may have.")] = 5000
    take_retries: Annotated[
        int, Field(ge=0, le=9, description="More attempts at a part of a text that was spoken with a flaw.")
    ] = 2
    verify: Annotated[
        bool, Field(description="Whether Whisper listens to all speech, where the request does not say.")
    ] = False
    best_of: Annotated[
        int, Field(ge=1, le=8, description="Takes made of each part of a text at once, where the request does not say.")
    ] = 1
    reference_check: Annotated[
        Literal["auto", "off", "refuse", "repair"],
        Field(
            description="Whether Whisper listens to a clip that comes with its text, and refuses it where they differ "
            "(`refuse`) or takes what it hears (`repair`). `auto` is `refuse`."
        ),
    ] = "auto"
    max_audio_duration: Annotated[
        float, Field(gt=0, description="Seconds a reference clip may last. Above 15 it is cut at a word.")
    ] = 60
    min_audio_duration: Annotated[float, Field(gt=0, description="Seconds a clip must last.")] = 0.5
    max_transcription_duration: Annotated[float, Field(gt=0, description="Seconds a clip to transcribe may last.")] = (
        3600
    )
    max_upload_mb: Annotated[float, Field(gt=0, description="Megabytes a request may have.")] = 50
    default_sample_rate: Annotated[
        Rate, Field(description="Hz of the answer, where the request does not say. The models speak at 16000.")
    ] = 16_000
    default_random_seed: Annotated[Seed, Field(description="Seed, where the request does not say.")] = 49
    voices_dir: Annotated[
        Path, Field(description="Folder of the stored voices; on a cluster one that every ingress replica sees.")
    ] = Path("~/.local/share/llasa-serve/voices")
    max_voices: Annotated[int, Field(ge=0, description="Voices that may be stored.")] = 1_000
    voice_cache_mb: Annotated[
        float, Field(ge=0, description="Megabytes of voices that an ingress replica keeps in memory.")
    ] = 16
    ref_audio_hosts: Annotated[
        str | None,
        Field(
            description="Hosts from which `ref_audio` may be fetched: names with commas between, `*.example.com` for "
            "all below one, or `*`. Unset: none. Private addresses never."
        ),
    ] = None
    outputs_dir: Annotated[
        Path | None,
        Field(
            description="Folder in which a copy of all speech is kept, and read by who was told its name; on a cluster "
            "one that every ingress replica sees. Unset: none is kept."
        ),
    ] = None
    outputs_days: Annotated[
        float | None, Field(gt=0, description="Days after which such copies are deleted. Unset: never.")
    ] = None
    temp_dir: Annotated[
        Path | None, Field(description="Where uploads above 1 MB spill to while they are read. Unset: the system's.")
    ] = None

    @field_validator("api_keys")
    @classmethod
    def _named_and_apart(cls, keys: SecretStr | None) -> SecretStr | None:
        pairs = _pairs(keys)
        if not all(name and key for name, key in pairs) or len(dict(pairs)) < len(pairs):
            # Says nothing of what was given: a key could be in it.
            raise ValueError("keys are written name=key, with commas between, and each name once")
        return keys

    def keys(self) -> dict[str, str]:
        """Every key by its name; that of API_KEY is named `default`. Empty: none is asked for."""
        single = {"default": self.api_key.get_secret_value()} if self.api_key else {}
        return single | dict(_pairs(self.api_keys))

    def outputs(self) -> Outputs | None:
        """Where copies of all speech are kept, if anywhere."""
        return Outputs(self.outputs_dir.expanduser(), self.outputs_days) if self.outputs_dir else None

    def policy(self) -> Policy:
        """What is done about flaws, where a request does not say."""
        check = "refuse" if self.reference_check == "auto" else self.reference_check
        return Policy(retries=self.take_retries, reference_check=check, verify=self.verify, best_of=self.best_of)


def _pairs(keys: SecretStr | None) -> list[tuple[str, str]]:
    written = keys.get_secret_value().split(",") if keys else []
    pairs = [pair.partition("=") for pair in written]
    return [(name.strip(), key.strip()) for name, _, key in pairs]


SECRETS: Final = frozenset(
    name for name, field in Settings.model_fields.items() if SecretStr in get_args(field.annotation)
)
"""Fields whose values no message may show."""
