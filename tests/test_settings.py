"""Every setting is read, documented and alive: each has a test here or is named with the one it has elsewhere."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from deployments.profiles import SHIPPED
from deployments.settings import Settings
from tests.support.documents import read

ROOT = Path(__file__).parent.parent
VALUES = {
    "PROFILES_FILE": str(SHIPPED),
    "PROFILE": "nano",
    "LLASA_MODEL_PATH": "/models/llasa",
    "LLASA_WEIGHTS": "int8",
    "XCODEC_MODEL_PATH": "/models/xcodec2",
    "WHISPER_MODEL_PATH": "/models/whisper",
    "MODELS_CACHE_DIR": "/models/cache",
    "HF_ENDPOINT": "https://hub.example",
    "HF_TOKEN": "hf_secret",
    "API_HOST": "0.0.0.0",  # noqa: S104
    "API_PORT": "8123",
    "API_KEY": "sk-secret",
    "API_KEYS": "alice=sk-one,bob=sk-two",
    "HEALTH_OPEN": "False",
    "DOCS_OPEN": "False",
    "CORS_ORIGINS": "https://page.example",
    "MCP_ALLOWED_HOSTS": "tts.example",
    "LOG_LEVEL": "DEBUG",
    "LOG_FORMAT": "json",
    "METRICS_PORT": "9123",
    "GPU_IDLE_TIMEOUT": "12.5",
    "GPU_RELEASE_TIMEOUT": "60",
    "MODEL_WAIT_TIMEOUT": "7",
    "MAX_RUNNING_REQUESTS": "3",
    "MAX_QUEUED_REQUESTS": "5",
    "LIVE_IDLE_TIMEOUT": "12",
    "REQUEST_TIMEOUT": "30",
    "MAX_TEXT_LENGTH": "77",
    "TAKE_RETRIES": "4",
    "REFERENCE_CHECK": "repair",
    "VERIFY": "True",
    "WARM_UP": "False",
    "BEST_OF": "3",
    "MAX_AUDIO_DURATION": "11",
    "MIN_AUDIO_DURATION": "2",
    "MAX_TRANSCRIPTION_DURATION": "99",
    "MAX_UPLOAD_MB": "3",
    "DEFAULT_SAMPLE_RATE": "24000",
    "DEFAULT_RANDOM_SEED": "5",
    "VOICES_DIR": "/voices",
    "JOBS_DIR": "/jobs",
    "JOBS_DAYS": "7",
    "MAX_JOBS": "8",
    "MAX_JOBS_MB": "100",
    "MAX_JOB_LENGTH": "1000",
    "MAX_JOB_RECORDING": "600",
    "MAX_VOICES": "9",
    "VOICE_CACHE_MB": "1.5",
    "REF_AUDIO_HOSTS": "clips.example",
    "OUTPUTS_DIR": "/outputs",
    "OUTPUTS_DAYS": "30",
    "TEMP_DIR": "/spill",
}


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in VALUES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_there_is_a_value_here_for_every_setting() -> None:
    assert set(VALUES) == {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize("name", VALUES)
def test_a_setting_comes_from_its_variable_and_from_dotenv(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    field = name.lower()
    default = getattr(Settings(), field)
    (tmp_path / ".env").write_text(f"{name}={VALUES[name]}\n")
    from_file = getattr(Settings(), field)
    (tmp_path / ".env").unlink()
    monkeypatch.setenv(name, VALUES[name])
    from_environment = getattr(Settings(), field)
    assert from_file == from_environment != default


def test_the_environment_goes_before_dotenv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("API_PORT=1000\n")
    monkeypatch.setenv("API_PORT", "2000")
    assert Settings().api_port == 2000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_PORT", "70000"),
        ("PROFILE", "gpu"),
        ("LOG_LEVEL", "LOUD"),
        ("GPU_IDLE_TIMEOUT", "-1"),
        ("MAX_UPLOAD_MB", "0"),
        ("API_KEYS", "sk-one,sk-two"),
        ("API_KEYS", "alice=sk-one,alice=sk-two"),
        ("API_KEYS", "alice="),
    ],
)
def test_a_wrong_value_is_refused(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


def test_no_secret_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("API_KEY", "sk-secret")
    monkeypatch.setenv("API_KEYS", "alice=sk-secret")
    assert "secret" not in repr(Settings()).replace("hidden", "")


def test_names_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().cors_origins == ()
    monkeypatch.setenv("CORS_ORIGINS", "https://page.example, https://other.example,")
    assert Settings().cors_origins == ("https://page.example", "https://other.example")


def test_keys_have_names(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().keys() == {}
    monkeypatch.setenv("API_KEY", "sk-zero")
    monkeypatch.setenv("API_KEYS", "alice=sk=one, bob=sk-two")
    assert Settings().keys() == {"default": "sk-zero", "alice": "sk=one", "bob": "sk-two"}


def test_the_reference_and_the_example_name_every_setting_with_its_default() -> None:
    table = read("docs/reference/settings.md").partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `([A-Z_0-9]+)` \| ?(.*?) ?\| ", table, re.MULTILINE))
    example = dict(re.findall(r"^# ([A-Z_0-9]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    defaults = {
        name.upper(): "" if field.default in (None, ()) else str(field.default)
        for name, field in Settings.model_fields.items()
    }
    assert {name: value.strip("`") for name, value in rows.items()} == defaults
    assert example == defaults
