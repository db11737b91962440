"""The graph of deployments. serve_config.yaml names `build` and says how many of each there are."""

from typing import Any, Literal

import ray
from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt
from ray import serve
from ray.serve import Application, Deployment
from ray.serve.schema import LoggingConfig

from deployments.ingress.deployment import IngressDeployment
from deployments.llasa.deployment import LlasaDeployment
from deployments.profiles import choose_profile
from deployments.settings import ProfileName, Settings
from deployments.whisper.deployment import WhisperDeployment
from deployments.xcodec2.deployment import Xcodec2Deployment


class Arguments(BaseModel):
    """What serve_config.yaml may give under `args`."""

    model_config = ConfigDict(extra="forbid")

    profile: ProfileName | None = None
    """In place of the setting: a cluster whose GPU nodes come later cannot find its profile by looking."""
    node_gpus: NonNegativeInt | None = None
    """GPUs of a node that has some, in place of counting those that are up now: likewise."""
    replicas: dict[Literal["Llasa", "XCodec2", "Whisper"], PositiveInt] = {}
    """How many replicas of a model there may be at most; 1 where nothing is said."""


def build(arguments: Arguments) -> Application:
    """Wires the deployments by the settings of the environment."""
    settings = Settings()
    gpus = ray.cluster_resources().get("GPU", 0) if arguments.node_gpus is None else arguments.node_gpus
    profile = choose_profile(arguments.profile or settings.profile, gpus, settings)
    if settings.reference_check == "auto":
        # The embedded Whisper knows too few words to contradict anybody.
        check = "off" if profile.whisper.startswith("nano:") else "refuse"
        settings = settings.model_copy(update={"reference_check": check})

    def scaling(model: Literal["Llasa", "XCodec2", "Whisper"], requests: float) -> dict[str, Any]:
        """From none to the most replicas, each with about so many requests."""
        # No delays: the policy holds the idle timer. A long look back would make every wake but the first slow.
        return {
            "min_replicas": 0,
            "initial_replicas": 0,
            "max_replicas": arguments.replicas.get(model, 1),
            "target_ongoing_requests": requests,
            "upscale_delay_s": 0,
            "downscale_delay_s": 0,
            "look_back_period_s": 4,
            "metrics_interval_s": 1,
            "policy": {
                "policy_function": "deployments.gpu.residency:ResidencyPolicy",
                "policy_kwargs": {"timeout_s": settings.gpu_idle_timeout},
            },
        }

    def deployment(room: type, name: str, **options: Any) -> Deployment:
        logging = LoggingConfig(log_level=settings.log_level, encoding=settings.log_format.upper())
        # A request may last as long as the longest speech: what is being unloaded must let it end.
        wrapped: Deployment = serve.deployment(
            name=name,
            logging_config=logging,
            graceful_shutdown_timeout_s=600,
            graceful_shutdown_wait_loop_s=0.5,
            **options,
        )(room)
        return wrapped

    llasa = deployment(
        LlasaDeployment,
        "Llasa",
        ray_actor_options=_on_gpu(profile.llasa_gpus) | {"num_cpus": profile.llasa_cpus},
        max_ongoing_requests=profile.takes,
        autoscaling_config=scaling("Llasa", 0.75 * profile.takes),
    ).bind(profile, settings)
    xcodec2 = deployment(
        Xcodec2Deployment,
        "XCodec2",
        ray_actor_options=_on_gpu(profile.xcodec2_gpus) | {"num_cpus": profile.xcodec2_cpus},
        max_ongoing_requests=4 * profile.takes,
        autoscaling_config=scaling("XCodec2", 3 * profile.takes),
    ).bind(profile, settings)
    whisper = deployment(
        WhisperDeployment,
        "Whisper",
        ray_actor_options={"num_cpus": profile.whisper_cpus},
        max_ongoing_requests=profile.takes,
        autoscaling_config=scaling("Whisper", 2),
    ).bind(profile, settings)
    return deployment(IngressDeployment, "Ingress").bind(profile, settings, llasa, xcodec2, whisper)


def _on_gpu(fraction: float) -> dict[str, Any]:
    """Options of a replica that has so much of a GPU, and chooses it itself: see `deployments.gpu.placement`."""
    if not fraction:
        return {}
    return {"num_gpus": fraction, "runtime_env": {"env_vars": {"RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES": "1"}}}
