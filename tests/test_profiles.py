import pytest

from deployments.profiles import PROFILES, choose_profile
from deployments.settings import Settings

PLAIN = Settings(_env_file=None)  # type: ignore[call-arg]


@pytest.mark.parametrize(("gpus", "expected"), [(0, "nano"), (1, "llasa-8b"), (4, "llasa-8b")])
def test_auto_goes_by_whether_there_is_a_gpu(gpus: float, expected: str) -> None:
    assert choose_profile("auto", gpus, PLAIN).name == expected


def test_a_named_profile_is_taken_whatever_gpus_there_are_now() -> None:
    assert choose_profile("llasa-1b", 0, PLAIN).name == "llasa-1b"
    assert choose_profile("nano", 8, PLAIN).device == "cpu"


def test_on_one_gpu_llasa_and_xcodec2_share_it() -> None:
    profile = choose_profile("llasa-8b", 1, PLAIN)
    assert profile.llasa_gpus + profile.xcodec2_gpus <= 1
    assert choose_profile("llasa-8b", 2, PLAIN).llasa_gpus == 1


def test_the_model_paths_of_the_settings_take_the_place_of_the_profiles() -> None:
    settings = PLAIN.model_copy(
        update={"llasa_model_path": "me/llasa", "xcodec_model_path": "./codec", "whisper_model_path": "/whisper"}
    )
    profile = choose_profile("nano", 0, settings)
    assert (profile.llasa, profile.xcodec2, profile.whisper) == ("me/llasa", "./codec", "/whisper")


def test_a_cpu_profile_asks_for_no_gpu_and_fits_one_core() -> None:
    nano = PROFILES["nano"]
    assert nano.llasa_gpus == nano.xcodec2_gpus == 0
    assert nano.llasa_cpus + nano.xcodec2_cpus + nano.whisper_cpus + 0.25 <= 1
