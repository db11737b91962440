"""The graph of deployments. serve_config.yaml names `build` and says how many of each there are."""

from typing import Any, Final, Literal

import ray
from ray import serve
from ray.serve import Application, Deployment
from ray.serve.schema import LoggingConfig

from deployments.arguments import Arguments
from deployments.ingress.deployment import IngressDeployment
from deployments.llasa.deployment import LlasaDeployment
from deployments.settings import Settings
from deployments.whisper.deployment import WhisperDeployment
from deployments.xcodec2.deployment import Xcodec2Deployment

_QUICK: Final = 100
"""Requests that wait for no turn, such as those for the status: room for them at the ingress."""


def build(arguments: Arguments) -> Application:
    """Wires the deployments by the settings of the environment."""
    settings = Settings()
    profile = arguments.profile_for(settings, lambda: ray.cluster_resources().get("GPU", 0))

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
    # All that may wait or run by the settings must get in: only the ingress can tell who is one too many.
    admitted = (settings.max_running_requests or profile.takes) + settings.max_queued_requests
    return deployment(IngressDeployment, "Ingress", max_ongoing_requests=admitted + _QUICK).bind(
        profile, settings, llasa, xcodec2, whisper
    )


def _on_gpu(fraction: float) -> dict[str, Any]:
    """Options of a replica that has so much of a GPU, and chooses it itself: see `deployments.gpu.placement`."""
    if not fraction:
        return {}
    return {"num_gpus": fraction, "runtime_env": {"env_vars": {"RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES": "1"}}}
