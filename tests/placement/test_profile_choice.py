from pathlib import Path

import pytest

from deployments.placement.placement import place
from deployments.placement.profile_choice import choose_profile, usable_bytes
from deployments.profiles import PROFILES, InvalidProfiles, Profile, WeightType, read_profiles
from deployments.settings import Settings
from scripts.reference import CARDS, USABLE, chosen_on_card, plan_on_card
from tests.support.fake_nvml import GIB, FileReader, gpu, write_gpus

PLAIN = Settings(_env_file=None)  # type: ignore[call-arg]


def automatic(gpus: float, *gib: float) -> Profile:
    return choose_profile("auto", gpus, PLAIN, measure=lambda: [int(size * GIB) for size in gib])


# What `auto` takes of one GPU that XCodec2 shares, by nominal GB: takes, and GiB in all, of each profile by size, with
# weights of 16 bits and with int8.
TABLE: dict[int, tuple[str, dict[str, tuple[int, float] | None], dict[str, tuple[int, float] | None]]] = {
    6: (
        "nano",
        {"llasa-8b": None, "llasa-3b": None, "llasa-1b": None},
        {"llasa-8b": None, "llasa-3b": None, "llasa-1b": None},
    ),
    8: (
        "nano",
        {"llasa-8b": None, "llasa-3b": None, "llasa-1b": None},
        {"llasa-8b": None, "llasa-3b": None, "llasa-1b": None},
    ),
    12: (
        "llasa-1b",
        {"llasa-8b": None, "llasa-3b": None, "llasa-1b": (37, 11.1)},
        {"llasa-8b": None, "llasa-3b": (3, 11.0), "llasa-1b": (44, 11.1)},
    ),
    16: (
        "llasa-3b",
        {"llasa-8b": None, "llasa-3b": (10, 14.8), "llasa-1b": (64, 12.9)},
        {"llasa-8b": None, "llasa-3b": (20, 14.8), "llasa-1b": (64, 12.4)},
    ),
    24: (
        "llasa-8b",
        {"llasa-8b": (5, 22.1), "llasa-3b": (32, 19.7), "llasa-1b": (64, 12.9)},
        {"llasa-8b": (16, 18.8), "llasa-3b": (32, 17.4), "llasa-1b": (64, 12.4)},
    ),
    48: (
        "llasa-8b",
        {"llasa-8b": (16, 24.9), "llasa-3b": (32, 19.7), "llasa-1b": (64, 12.9)},
        {"llasa-8b": (16, 18.8), "llasa-3b": (32, 17.4), "llasa-1b": (64, 12.4)},
    ),
    80: (
        "llasa-8b",
        {"llasa-8b": (16, 24.9), "llasa-3b": (32, 19.7), "llasa-1b": (64, 12.9)},
        {"llasa-8b": (16, 18.8), "llasa-3b": (32, 17.4), "llasa-1b": (64, 12.4)},
    ),
}


@pytest.mark.parametrize("card", CARDS)
def test_every_card_gets_the_largest_profile_that_fits_it(card: int) -> None:
    expected, *planned = TABLE[card]
    assert chosen_on_card(card).name == automatic(1, card * USABLE).name == expected
    types: tuple[WeightType, ...] = ("auto", "int8")
    for weights, plans in zip(types, planned, strict=True):
        for name, wanted in plans.items():
            plan = plan_on_card(PROFILES[name], card, weights)
            assert (plan and (plan.takes, round(plan.bytes / GIB, 1))) == wanted
            assert plan is None or plan.bytes <= card * USABLE * GIB


def test_8_bit_weights_are_taken_where_no_llasa_fits_with_16() -> None:
    chosen = automatic(1, 8.4)
    assert (chosen.name, chosen.weights) == ("llasa-1b", "int8")
    assert chosen.reason.startswith("with int8 weights it is the largest that fits the best GPU (llasa-8b needs 21.1")
    assert (automatic(1, 8.8).name, automatic(1, 8.8).weights) == ("llasa-1b", "auto")
    named = PLAIN.model_copy(update={"llasa_weights": "fp8"})
    assert choose_profile("auto", 1, named, measure=lambda: [int(8.3 * GIB)]).weights == "fp8"
    assert choose_profile("llasa-1b", 1, PLAIN).weights == "auto"


def test_the_reason_says_what_is_too_large_and_how_the_memory_is_shared() -> None:
    chosen = automatic(1, 12, 16)
    assert chosen.name == "llasa-3b"
    assert chosen.reason.startswith(
        "it is the largest that fits the best GPU (llasa-8b needs 21.1 GiB): 15 takes at once need 15.9 GiB of 16.0 GiB"
    )


def test_a_gpu_that_is_too_small_leads_to_the_cpu_and_says_what_would_fit() -> None:
    chosen = automatic(1, 6)
    assert (chosen.name, chosen.device) == ("nano", "cpu")
    assert chosen.reason.startswith("the best GPU has 6.0 GiB for this service: llasa-8b needs 21.1 GiB, llasa-3b")


def test_with_two_gpus_xcodec2_does_not_count_against_llasa() -> None:
    assert automatic(1, 12).name == "llasa-1b"
    assert automatic(2, 12, 12).name == "llasa-3b"


def test_no_gpu_is_no_llasa_and_gpus_that_cannot_be_read_get_the_largest() -> None:
    assert (automatic(0).name, automatic(0).reason) == ("nano", "Ray has no GPU")
    remote = automatic(4)
    assert remote.name == "llasa-8b"
    assert "Ray has 4 GPUs whose memory cannot be read from this node" in remote.reason


def test_a_profile_of_the_operator_may_be_chosen_too() -> None:
    own = read_profiles(None, {"mine": {"like": "llasa-1b", "llasa": "me/mine", "auto": True}})
    first = {"mine": own.pop("mine"), **own}
    assert choose_profile("auto", 1, PLAIN, first, lambda: [24 * GIB]).llasa == "me/mine"


def test_a_named_profile_is_taken_whatever_gpus_there_are_now() -> None:
    assert choose_profile("llasa-1b", 0, PLAIN).name == "llasa-1b"
    assert choose_profile("nano", 8, PLAIN).device == "cpu"
    assert choose_profile("nano", 8, PLAIN).reason == "it was named"


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


@pytest.mark.parametrize("field", ["llasa_model_path", "xcodec_model_path"])
def test_a_checkpoint_in_another_format_is_refused_before_it_is_downloaded(field: str) -> None:
    sources = {"llasa_model_path": "ASLP-lab/LLasa-1B-Yue-Updated", "xcodec_model_path": "HKUSTAudio/xcodec2"}
    with pytest.raises(InvalidProfiles, match="cannot run here"):
        choose_profile("nano", 0, PLAIN.model_copy(update={field: sources[field]}))


def test_the_memory_of_visible_gpus_counts_without_that_of_other_programs(tmp_path: Path) -> None:
    reader = FileReader(tmp_path / "gpus.json")
    assert usable_bytes(reader, {}, tmp_path) == []
    write_gpus(reader.path, [gpu(0, free=3), gpu(1, free=20), gpu(2, free=24, mig=True)])
    assert usable_bytes(reader, {"CUDA_VISIBLE_DEVICES": ""}, tmp_path) == [3 * GIB, 20 * GIB]
    assert usable_bytes(reader, {"CUDA_VISIBLE_DEVICES": "0"}, tmp_path) == [3 * GIB]


def test_models_that_are_on_the_gpu_already_do_not_make_auto_choose_less(tmp_path: Path) -> None:
    reader = FileReader(tmp_path / "gpus.json")
    write_gpus(reader.path, [gpu(0, free=2)])
    with place("Llasa", 0.8, 18 * GIB, reader, {}, tmp_path / "leases") as placement:
        placement.loaded(18 * GIB)
        assert usable_bytes(reader, {}, tmp_path / "leases") == [20 * GIB]


def test_the_type_of_the_weights_is_the_settings_and_auto_plans_with_it() -> None:
    small = PLAIN.model_copy(update={"llasa_weights": "int8"})
    assert choose_profile("llasa-8b", 1, PLAIN).weights == "auto"
    chosen = choose_profile("auto", 1, small, measure=lambda: [16 * GIB])
    assert (chosen.name, chosen.weights) == ("llasa-8b", "int8")
    assert automatic(1, 16).name == "llasa-3b"
