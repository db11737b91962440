"""Profiles: checkpoints and resources of each deployment."""

from dataclasses import dataclass, replace

from deployments.settings import ProfileName, Settings


@dataclass(frozen=True, slots=True)
class Profile:
    """What is deployed. Checkpoints are hub ids, local folders, or `nano:` names of the shipped ones."""

    name: str
    llasa: str
    xcodec2: str
    whisper: str
    device: str
    """Device of Llasa and XCodec2: `cpu` or `cuda`. Whisper always runs on the CPU."""
    llasa_gpus: float
    xcodec2_gpus: float
    llasa_cpus: float
    """CPUs that Ray reserves; a replica computes with as many threads, and at least one."""
    xcodec2_cpus: float
    whisper_cpus: float
    takes: int
    """Takes in one batch of Llasa's engine."""
    decodes: int
    """Clips of equal length that XCodec2 decodes at once. With a batch of 1, the bytes never depend on other load."""


_NANO = Profile(
    name="nano",
    llasa="nano:llasa",
    xcodec2="nano:xcodec2",
    whisper="nano:whisper",
    device="cpu",
    llasa_gpus=0,
    xcodec2_gpus=0,
    llasa_cpus=0.25,
    xcodec2_cpus=0.25,
    whisper_cpus=0.25,
    takes=16,
    decodes=1,
)
_LLASA_8B = Profile(
    name="llasa-8b",
    llasa="HKUSTAudio/Llasa-8B",
    xcodec2="HKUSTAudio/xcodec2-hf",
    whisper="Systran/faster-whisper-large-v3",
    device="cuda",
    llasa_gpus=1.0,
    xcodec2_gpus=0.2,
    llasa_cpus=1,
    xcodec2_cpus=1,
    whisper_cpus=4,
    takes=16,
    decodes=8,
)
PROFILES = {
    profile.name: profile
    for profile in (
        _NANO,
        _LLASA_8B,
        replace(_LLASA_8B, name="llasa-3b", llasa="HKUSTAudio/Llasa-3B", takes=32),
        replace(_LLASA_8B, name="llasa-1b", llasa="HKUSTAudio/Llasa-1B", takes=64),
    )
}


def choose_profile(name: ProfileName, gpus: float, settings: Settings) -> Profile:
    """Returns the profile of that name, fitted to the cluster and with the settings' checkpoints.

    Args:
        name: `auto` chooses `llasa-8b` if there is a GPU and `nano` if there is none.
        gpus: GPUs that Ray has now. A cluster whose GPU nodes come later names its profile.
        settings: May override the checkpoints.
    """
    if name == "auto":
        name = "llasa-8b" if gpus else "nano"
    profile = PROFILES[name]
    if gpus == 1 and profile.llasa_gpus == 1:
        # 1.0 and 0.2 of one GPU could never both be scheduled.
        profile = replace(profile, llasa_gpus=1 - profile.xcodec2_gpus)
    return replace(
        profile,
        llasa=settings.llasa_model_path or profile.llasa,
        xcodec2=settings.xcodec_model_path or profile.xcodec2,
        whisper=settings.whisper_model_path or profile.whisper,
    )
