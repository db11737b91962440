"""Chooses the profile to deploy: the named one, or the largest that fits the best GPU."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from deployments.errors import Unavailable
from deployments.placement.choice import usable
from deployments.placement.devices import Gpu, GpuReader, NvmlReader, visible
from deployments.placement.lease import Leases
from deployments.placement.memory import SHAPES, XCODEC2_BYTES, MemoryPlan
from deployments.profiles import AUTO, Profile, check_checkpoint, check_profile_name, read_profiles
from deployments.settings import Settings

_NONE: Final = "nano"
"""Chosen by `auto` where no other profile fits."""
_GIB: Final = 2**30


def choose_profile(
    name: str,
    gpus: float,
    settings: Settings,
    profiles: Mapping[str, Profile] | None = None,
    measure: Callable[[], Sequence[int]] | None = None,
) -> Profile:
    """Returns the profile of a name, fitted to the cluster and with the settings' checkpoints.

    Args:
        name: `auto` chooses the largest profile that fits the best GPU, with 8-bit weights if none does with 16 bits
            and the settings leave it open, and `nano` if none fits at all.
        gpus: GPUs that Ray has now. A cluster whose GPU nodes come later names its profile.
        settings: May override the checkpoints, and have the type of the weights.
        profiles: All profiles by name; by default the shipped ones and those of PROFILES_FILE.
        measure: Returns the bytes of each GPU that this service can use; by default those of this node.

    Raises:
        InvalidProfiles: there is no such profile, or one of its checkpoints is known not to run here.
    """
    profiles = read_profiles(settings.profiles_file) if profiles is None else profiles
    profiles = {key: replace(profile, weights=settings.llasa_weights) for key, profile in profiles.items()}
    check_profile_name(name, profiles)
    if name == AUTO:
        profile = _largest(profiles, gpus, measure or usable_bytes)
    else:
        profile = replace(profiles[name], reason="it was named")
    if gpus == 1 and profile.llasa_gpus == 1:
        # 1.0 and 0.2 of one GPU could never both be scheduled.
        profile = replace(profile, llasa_gpus=1 - profile.xcodec2_gpus)
    profile = replace(
        profile,
        llasa=settings.llasa_model_path or profile.llasa,
        xcodec2=settings.xcodec_model_path or profile.xcodec2,
        whisper=settings.whisper_model_path or profile.whisper,
    )
    check_checkpoint("llasa", profile.llasa)
    check_checkpoint("xcodec2", profile.xcodec2)
    return profile


def usable_bytes(
    reader: GpuReader | None = None, environment: Mapping[str, str] = os.environ, lease_dir: Path | None = None
) -> list[int]:
    """Returns the bytes that this service can use of each visible GPU of this node, what its replicas hold included.

    Leaves out GPUs that are partitioned by MIG: NVML does not say which part is ours.
    """
    # Ray hides the GPUs from tasks that ask for none, such as the one that builds the graph.
    shown = {key: value for key, value in environment.items() if value or key != "CUDA_VISIBLE_DEVICES"}
    gpus: list[Gpu] = (reader or NvmlReader()).read()
    allowed = visible(gpus, shown)
    claims = Leases(lease_dir).held() if gpus else []
    return [usable(gpu, claims) for gpu in gpus if gpu.uuid in allowed and not gpu.mig]


def _largest(profiles: Mapping[str, Profile], gpus: float, measure: Callable[[], Sequence[int]]) -> Profile:
    tried = [profile for profile in profiles.values() if profile.auto and profile.shape]
    tried += [replace(profile, weights="int8") for profile in tried if profile.weights == "auto"]
    if not gpus:
        return replace(profiles[_NONE], reason="Ray has no GPU")
    sizes = measure()
    if not sizes:
        return replace(
            tried[0], reason=f"Ray has {gpus:g} GPUs whose memory cannot be read from this node; it is the largest"
        )
    best, shared = max(sizes), gpus == 1
    needs = []
    for profile in tried:
        assert profile.shape  # noqa: S101 - as filtered
        shape = replace(SHAPES[profile.shape], weights=profile.weights)
        try:
            plan = MemoryPlan.fit(best, shape, profile.takes, profile.name, shared=shared)
        except Unavailable:
            need = shape.replica(1) + (XCODEC2_BYTES if shared else 0)
            weights = "" if profile.weights == "auto" else f" with {profile.weights} weights"
            needs.append(f"{profile.name}{weights} needs {need / _GIB:.1f} GiB")
        else:
            larger = f" ({', '.join(needs)})" if needs else ""
            which = "it" if profile.weights == "auto" else f"with {profile.weights} weights it"
            return replace(profile, reason=f"{which} is the largest that fits the best GPU{larger}: {plan}")
    return replace(
        profiles[_NONE], reason=f"the best GPU has {best / _GIB:.1f} GiB for this service: {', '.join(needs)}"
    )
