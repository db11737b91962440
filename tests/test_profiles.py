import pickle
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from deployments.arguments import Arguments
from deployments.profiles import PROFILES, SHIPPED, InvalidProfiles, check_checkpoint, check_profile_name, read_profiles
from deployments.settings import Settings


def refused(table: dict[str, object], name: str = "mine") -> str:
    with pytest.raises(InvalidProfiles) as caught:
        read_profiles(None, {name: table})
    return str(caught.value)


def test_a_cpu_profile_asks_for_no_gpu_and_fits_one_core() -> None:
    nano = PROFILES["nano"]
    assert nano.llasa_gpus == nano.xcodec2_gpus == 0
    assert nano.llasa_cpus + nano.xcodec2_cpus + nano.whisper_cpus + 0.25 <= 1


def test_no_shipped_profile_names_a_checkpoint_that_cannot_run() -> None:
    for profile in PROFILES.values():
        check_checkpoint("llasa", profile.llasa)
        check_checkpoint("xcodec2", profile.xcodec2)
        assert pickle.loads(pickle.dumps(profile)) == profile  # noqa: S301 - Ray sends it to replicas


def test_a_profile_like_another_has_its_values_and_its_own() -> None:
    table = {"like": "anime-llasa-3b", "llasa": "me/voice", "takes": 8, "defaults": {"top_p": 0.5}}
    mine, anime = read_profiles(None, {"mine": table})["mine"], PROFILES["anime-llasa-3b"]
    assert (mine.llasa, mine.takes, mine.defaults.top_p) == ("me/voice", 8, 0.5)
    assert (mine.xcodec2, mine.normaliser, mine.shape) == (anime.xcodec2, anime.normaliser, anime.shape)
    assert mine.defaults.temperature == anime.defaults.temperature != PROFILES["nano"].defaults.temperature


def test_auto_considers_a_profile_only_if_it_says_so_itself() -> None:
    assert PROFILES["llasa-1b"].auto
    profiles = read_profiles(None, {"silent": {"like": "llasa-1b"}, "open": {"like": "llasa-1b", "auto": True}})
    assert not profiles["silent"].auto
    assert profiles["open"].auto


def test_profiles_of_a_file_may_be_like_each_other_and_replace_shipped_ones(tmp_path: Path) -> None:
    file = tmp_path / "profiles.toml"
    file.write_text(
        '[profiles.a]\nlike = "llasa-1b"\ntakes = 3\n[profiles.b]\nlike = "a"\n[profiles.nano]\nlike = "a"\n'
    )
    profiles = read_profiles(file)
    assert profiles["b"].takes == profiles["nano"].takes == 3
    assert PROFILES["nano"].takes != 3


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"like": "nano", "lasa": "x"}, "args: mine: there is no key lasa. Did you mean llasa?"),
        ({"like": "nano", "name": "x"}, "args: mine: there is no key name."),
        ({"like": "llasa1b"}, "'llasa1b', which is no profile before it. Did you mean llasa-1b?"),
        ({"like": "nano", "takes": 0}, "args: mine: takes: Input should be greater than or equal to 1."),
        ({"like": "nano", "device": "tpu"}, "device: Input should be 'cpu' or 'cuda'."),
        ({"like": "nano", "languages": []}, "languages: Tuple should have at least 1 item"),
        ({"like": "nano", "defaults": {"temprature": 1}}, "defaults.temprature: Unexpected keyword argument. Did you"),
        ({"llasa": "x"}, "args: mine: xcodec2: Field required."),
    ],
)
def test_a_mistake_in_a_profile_is_refused_with_its_place(table: dict[str, object], message: str) -> None:
    assert message in refused(table)


def test_no_profile_can_take_the_name_auto() -> None:
    assert refused({"like": "nano"}, "auto") == "args: a profile cannot be named auto."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[profiles", "is not TOML"),
        (
            '[llasa-9b]\nlike = "nano"\n',
            "llasa-9b: Extra inputs are not permitted. Profiles are tables [profiles.NAME].",
        ),
        (None, "cannot be read: No such file or directory."),
    ],
)
def test_a_file_that_is_not_one_of_profiles_is_refused(content: str | None, message: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    if content is not None:
        file.write_text(content)
    with pytest.raises(InvalidProfiles, match=re.escape(message)) as caught:
        read_profiles(file)
    assert str(file) in str(caught.value)


def test_the_setting_and_the_arguments_name_profiles_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[profiles.mine]\nlike = "nano"\nllasa = "me/mine"\n')
    monkeypatch.setenv("PROFILES_FILE", str(file))
    monkeypatch.setenv("PROFILE", "mine")
    settings = Settings()
    assert Arguments().profile_for(settings, lambda: 0).llasa == "me/mine"
    inline = Arguments(profiles={"inline": {"like": "mine", "takes": 2}}, profile="inline")
    chosen = inline.profile_for(settings, lambda: 0)
    assert (chosen.llasa, chosen.takes) == ("me/mine", 2)
    monkeypatch.delenv("PROFILES_FILE")
    with pytest.raises(ValidationError, match="There is no profile 'mine', only 'auto', 'nano'"):
        Settings()
    with pytest.raises(InvalidProfiles, match="args: inline: like names 'mine', which is no profile"):
        inline.profile_for(settings.model_copy(update={"profiles_file": None}), lambda: 0)


def test_whoever_has_chosen_a_profile_may_say_why() -> None:
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    assert Arguments(profile="nano").profile_for(settings, lambda: 1).reason == "it was named"
    chosen = Arguments(profile="llasa-1b", weights="int8", reason="the GPU is small").profile_for(settings, lambda: 1)
    assert (chosen.name, chosen.weights, chosen.reason) == ("llasa-1b", "int8", "the GPU is small")


def test_a_file_of_profiles_that_cannot_be_read_is_the_setting_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFILES_FILE", "/nowhere/profiles.toml")
    monkeypatch.setenv("PROFILE", "mine")
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert [error["loc"] for error in caught.value.errors()] == [("profiles_file",)]


def test_a_misspelt_profile_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(InvalidProfiles, match=r"'auto', 'nano', .* and 'galgame-llasa-3b'\. Did you mean llasa-3b\?"):
        check_profile_name("lasa-3b", PROFILES)


@pytest.mark.parametrize(
    ("kind", "source", "advice"),
    [
        ("llasa", "ASLP-lab/LLasa-1B-Yue-Updated", "BiCodec"),
        ("llasa", "/models/Llasa-1B-Yue", "BiCodec"),
        ("llasa", "ASLP-lab/LLaSA_Plus", "its own repository"),
        ("llasa", "dskjal/Anime-Llasa-3B-Captions-GGUF", "the checkpoint that it was made from"),
        ("llasa", "nhe-ai/Llasa-1B-Multilingual-mlx-4Bit", "the checkpoint that it was made from"),
        ("xcodec2", "HKUSTAudio/xcodec2", "convert-codec"),
        ("xcodec2", "NandemoGHS/Anime-XCodec2", "convert-codec"),
        ("xcodec2", "NandemoGHS/Anime-XCodec2-44.1kHz-v2", "by `sample_rate`"),
        ("xcodec2", "hf-audio/xcodec2", "HKUSTAudio/xcodec2-hf"),
    ],
)
def test_a_checkpoint_that_cannot_run_is_refused_with_what_to_do(kind: str, source: str, advice: str) -> None:
    with pytest.raises(InvalidProfiles, match=advice) as caught:
        check_checkpoint(kind, source)  # type: ignore[arg-type]
    assert source in str(caught.value)


@pytest.mark.parametrize("source", ["/data/mlx/llasa-1b", "./gguf/mine", "me/llasa-1b", "/models/HKUSTAudio/xcodec2"])
def test_folders_are_judged_by_their_own_names(source: str) -> None:
    check_checkpoint("llasa", source)
    check_checkpoint("xcodec2", source)


def test_a_profile_named_like_such_a_checkpoint_is_refused_the_same_way() -> None:
    with pytest.raises(InvalidProfiles, match="BiCodec"):
        check_profile_name("llasa-1b-yue", PROFILES)


def test_the_shipped_file_is_the_package_s() -> None:
    assert SHIPPED.parent == Path(read_profiles.__code__.co_filename).parent
