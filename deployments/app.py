"""The graph of deployments. serve_config.yaml names `build` and sets the replicas of each."""

from typing import Any, Final

import ray
from ray import serve
from ray.serve import Application, Deployment
from ray.serve.schema import LoggingConfig

from deployments.arguments import Arguments
from deployments.ingress.deployment import IngressDeployment
from deployments.jobs.deployment import JobsDeployment
from deployments.llasa.deployment import LlasaDeployment
from deployments.residency.protocol import Model
from deployments.service.turns import most_background
from deployments.settings import Settings
from deployments.whisper.deployment import WhisperDeployment
from deployments.xcodec2.deployment import Xcodec2Deployment

_QUICK: Final = 100
"""Extra slots at the ingress for requests that skip the queue, e.g. for the status."""


def build(arguments: Arguments) -> Application:
    """Wires the deployments according to the settings."""
    settings = Settings()
    profile = arguments.profile_for(settings, lambda: ray.cluster_resources().get("GPU", 0))
    running = settings.max_running_requests or profile.takes * arguments.replicas.get("Llasa", 1)
    settings = settings.model_copy(update={"max_running_requests": running})

    def scaling(model: Model, requests: float) -> dict[str, Any]:
        """Scales from zero to `most` replicas, each with about `requests` requests."""
        # No delays: the policy holds the idle timer. A long look-back would slow down every wake but the first.
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
                "policy_function": "deployments.residency.policy:ResidencyPolicy",
                "policy_kwargs": {
                    "timeout_s": settings.gpu_idle_timeout,
                    "release_s": settings.gpu_release_timeout,
                },
            },
        }

    def deployment(room: type, name: str, **options: Any) -> Deployment:
        logging = LoggingConfig(log_level=settings.log_level, encoding=settings.log_format.upper())
        # A request may last as long as the longest speech; a replica that is unloaded must finish it.
        defaults: dict[str, Any] = {
            "logging_config": logging,
            "graceful_shutdown_timeout_s": 600,
            "graceful_shutdown_wait_loop_s": 0.5,
            # A killed replica is noticed at the next check. A slow one has 3 * 30 s to answer.
            "health_check_period_s": 0.5,
            "health_check_timeout_s": 30,
        }
        wrapped: Deployment = serve.deployment(name=name, **defaults | options)(room)
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
    # Parts are short, and jobs go on after a restart.
    jobs = deployment(
        JobsDeployment, "Jobs", num_replicas=1, max_ongoing_requests=1000, graceful_shutdown_timeout_s=5
    ).bind(settings, most_background(running))
    # Everything that may wait or run must get in: only the ingress can tell which request exceeds the limit.
    admitted = running + settings.max_queued_requests
    return deployment(IngressDeployment, "Ingress", max_ongoing_requests=admitted + _QUICK).bind(
        profile, settings, llasa, xcodec2, whisper, jobs
    )


def _on_gpu(fraction: float) -> dict[str, Any]:
    """Options of a replica with a fraction of a GPU, which it chooses itself: see `deployments.placement.placement`."""
    if not fraction:
        return {}
    return {"num_gpus": fraction, "runtime_env": {"env_vars": {"RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES": "1"}}}
