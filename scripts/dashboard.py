"""Generates the Grafana dashboard of k8s/components/monitoring. Change panels here, never in the JSON.

`python -m scripts.dashboard`
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

FILE: Final = Path(__file__).resolve().parent.parent / "k8s" / "components" / "monitoring" / "dashboard.json"
_WIDTH: Final = 24
_SOURCE: Final = {"type": "prometheus", "uid": "${source}"}

Unit = Literal["s", "ms", "bytes", "percent", "percentunit", "short", "reqps", "none"]


@dataclass(frozen=True, slots=True)
class Query:
    """A line of a panel, or one per value of its labels."""

    expression: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A graph over time."""

    title: str
    unit: Unit
    description: str
    queries: tuple[Query, ...]


ONCE: Final = ("ray_model_load_s", "ray_model_load_failures_total", "ray_serve_deployment_replica_starts_total")
"""Metrics recorded once, at the start of a process. Such a counter never has a rate: it starts at its value."""


def quantiles(metric: str, by: str = "", parts: Sequence[float] = (0.5, 0.95, 0.99)) -> tuple[Query, ...]:
    """Returns quantiles of a histogram, over five minutes; for `ONCE`, over the processes that are up.

    Args:
        metric: Its name without `_bucket`.
        by: Label to group by.
        parts: The quantiles.
    """
    labels = f"le, {by}" if by else "le"
    buckets = f"{metric}_bucket" if metric in ONCE else f"rate({metric}_bucket[5m])"
    return tuple(
        Query(
            f"histogram_quantile({part}, sum by ({labels}) ({buckets}))",
            f"{{{{{by}}}}} p{part * 100:g}" if by else f"p{part * 100:g}",
        )
        for part in parts
    )


def rate(metric: str, by: str) -> tuple[Query, ...]:
    """Returns a counter's rate, by a label."""
    return (Query(f"sum by ({by}) (rate({metric}[5m]))", f"{{{{{by}}}}}"),)


_STARTS: Final = "ray_serve_deployment_replica_starts_total"
_FOUND: Final = "sum by (cache) (rate(ray_cache_hits_total[5m]))"
_MISSED: Final = "sum by (cache) (rate(ray_cache_misses_total[5m]))"

ROWS: Final[dict[str, tuple[Panel, ...]]] = {
    "Speech": (
        Panel(
            "Time to first audio",
            "s",
            "From a request to its first audio, models that had to be loaded included.",
            quantiles("ray_audio_ttfp_s"),
        ),
        Panel(
            "Real-time factor",
            "none",
            "Seconds of work for a second of audio. Above 1 a player has to wait.",
            quantiles("ray_audio_rtf"),
        ),
        Panel(
            "Audio generated",
            "none",
            "Seconds of audio per second: enough for so many listeners.",
            (Query("sum(rate(ray_audio_frames_total[5m])) / 50", "seconds per second"),),
        ),
        Panel(
            "Whole request",
            "s",
            "To the last byte.",
            quantiles("ray_e2e_request_latency_s"),
        ),
        Panel(
            "Ends",
            "reqps",
            "Why speech ended. `stop`: it is complete.",
            rate("ray_requests_success_total", "finished_reason"),
        ),
        Panel(
            "Played without a gap",
            "percentunit",
            "Of the requests, those that a player which starts at once can play through.",
            (
                Query(
                    "sum(rate(ray_audio_continuity_ok_total[5m])) / sum(rate(ray_e2e_request_latency_s_count[5m]))",
                    "without a gap",
                ),
            ),
        ),
    ),
    "Queue": (
        Panel(
            "Requests at the ingress",
            "short",
            "At work, and waiting for their turn.",
            (
                Query("sum(ray_num_requests_running)", "running"),
                Query("sum(ray_num_requests_waiting)", "waiting"),
            ),
        ),
        Panel(
            "In or before each model",
            "short",
            "What a model is asked for; the policy adds replicas by it.",
            (Query("max by (model) (ray_model_requests)", "{{model}}"),),
        ),
        Panel(
            "Queued before each deployment",
            "short",
            "For lack of a replica, or of a place in one.",
            (Query("sum by (deployment) (ray_serve_deployment_queued_queries)", "{{deployment}}"),),
        ),
        Panel(
            "Stages",
            "ms",
            "How long a call of each deployment takes.",
            quantiles("ray_serve_deployment_processing_latency_ms", "deployment", (0.5, 0.95)),
        ),
        Panel(
            "Calls at each replica",
            "short",
            "Uneven ones point to a replica that is stuck.",
            (Query("max by (deployment, replica) (ray_serve_replica_processing_queries)", "{{replica}}"),),
        ),
        Panel(
            "How full the replicas are",
            "percent",
            "Of max_ongoing_requests; an engine at 100 keeps others waiting.",
            (Query("avg by (deployment) (ray_serve_replica_utilization_percent)", "{{deployment}}"),),
        ),
    ),
    "Models": (
        Panel(
            "Replicas",
            "short",
            "Up, of these asleep, and wanted. More wanted than up for long: no node has room, or a load fails.",
            (
                Query("max by (model) (ray_model_replicas)", "{{model}} up"),
                Query("max by (model) (ray_model_replicas_asleep)", "{{model}} asleep"),
                Query("max by (model) (ray_model_replicas_wanted)", "{{model}} wanted"),
            ),
        ),
        Panel(
            "Idle",
            "s",
            "For how long nothing has needed a model that is up. It leaves at its timeout.",
            (Query("max by (model) (ray_model_idle_s)", "{{model}}"),),
        ),
        Panel(
            "Loads",
            "s",
            "Seconds that it took the replicas which are up to load.",
            quantiles("ray_model_load_s", "model", (0.5, 0.95)),
        ),
        Panel(
            "Wakes",
            "s",
            "Seconds that models needed to return from host memory.",
            quantiles("ray_model_wake_s", "model", (0.5, 0.95)),
        ),
    ),
    "Caches": (
        Panel(
            "Found",
            "percentunit",
            "References by their clip, voices by their file (look-ups), prompts by their beginning (tokens).",
            (Query(f"{_FOUND} / ({_FOUND} + {_MISSED})", "{{cache}}"),),
        ),
        Panel(
            "Held",
            "bytes",
            "In the memory of all ingress replicas.",
            (Query("sum by (cache) (ray_cache_bytes)", "{{cache}}"),),
        ),
    ),
    "Errors": (
        Panel(
            "HTTP errors",
            "reqps",
            "4xx is the caller's, 5xx ours.",
            rate("ray_serve_num_http_error_requests_total", "error_code"),
        ),
        Panel(
            "Speech without audio",
            "reqps",
            "Requests that ended before any was made.",
            rate("ray_audio_skipped_requests_total", "reason"),
        ),
        Panel(
            "Speech that broke off",
            "reqps",
            "Requests that ended after their first audio and before their last. cancelled: the client has gone.",
            rate("ray_audio_interrupted_requests_total", "reason"),
        ),
        Panel(
            "Failed loads",
            "short",
            "Of the replicas that are up; each counts from its start. The replica's log says why, and /health does.",
            (Query("sum by (model) (ray_model_load_failures_total)", "{{model}}"),),
        ),
        Panel(
            "Starts of replicas",
            "short",
            "In the last five minutes. Beyond scaling: crashes.",
            (Query(f"sum by (deployment) ({_STARTS} unless {_STARTS} offset 5m)", "{{deployment}}"),),
        ),
    ),
    "GPUs": (
        Panel(
            "Memory",
            "bytes",
            "Used on each GPU, by whatever process (NVML, through Ray).",
            (Query("ray_node_gram_used * 1024 * 1024", "{{ip}} {{GpuIndex}} used"),),
        ),
        Panel(
            "Free memory",
            "bytes",
            "What is left on each GPU.",
            (Query("ray_node_gram_available * 1024 * 1024", "{{ip}} {{GpuIndex}} free"),),
        ),
        Panel(
            "Utilisation",
            "percent",
            "Of each GPU.",
            (Query("ray_node_gpus_utilization", "{{ip}} {{GpuIndex}}"),),
        ),
    ),
    "Nodes": (
        Panel("CPU", "percent", "Of each node.", (Query("ray_node_cpu_utilization", "{{ip}}"),)),
        Panel(
            "Memory of nodes",
            "percentunit",
            "Near 1 Ray ends what uses the most.",
            (Query("ray_node_mem_used / ray_node_mem_total", "{{ip}}"),),
        ),
        Panel(
            "Object store",
            "bytes",
            "Clips and codes on their way.",
            (Query("sum by (NodeAddress) (ray_object_store_used_memory)", "{{NodeAddress}}"),),
        ),
    ),
}


def dashboard() -> dict[str, Any]:
    """Returns the dashboard as Grafana's JSON model."""
    return {
        "uid": "llasa-serve",
        "title": "Llasa Serve",
        "tags": ["llasa-serve", "ray"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "15s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {
            "list": [{"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}]
        },
        "panels": list(_panels()),
    }


def _panels() -> Iterator[dict[str, Any]]:
    number, top = 0, 0
    for row, panels in ROWS.items():
        number += 1
        yield {"id": number, "type": "row", "title": row, "gridPos": {"x": 0, "y": top, "w": _WIDTH, "h": 1}}
        top += 1
        width = _WIDTH // min(len(panels), 3) if len(panels) != 4 else _WIDTH // 4
        for place, panel in enumerate(panels):
            number += 1
            columns = _WIDTH // width
            yield _panel(number, panel, place % columns * width, top + place // columns * 8, width)
        top += -(-len(panels) // (_WIDTH // width)) * 8


def _panel(number: int, panel: Panel, x: int, y: int, width: int) -> dict[str, Any]:
    return {
        "id": number,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.description,
        "datasource": _SOURCE,
        "gridPos": {"x": x, "y": y, "w": width, "h": 8},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {"refId": chr(ord("A") + n), "datasource": _SOURCE, "expr": query.expression, "legendFormat": query.legend}
            for n, query in enumerate(panel.queries)
        ],
    }


def text() -> str:
    """Returns the file's contents."""
    return json.dumps(dashboard(), indent=1) + "\n"


def main() -> None:
    """Writes it."""
    FILE.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
