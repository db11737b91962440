"""The capacity model: computes a cluster from the figures of one replica. README.md has the source of each figure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_MODELS: Final = 3
_REFRESHES: Final = 2
"""Refreshes per second by each model's policy, in Serve's controller (`deployments.residency.policy`)."""
_CALLS: Final = 3
"""Calls of the key-value store per refresh, plus one per ingress: orders, observation, list of holds."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Measured figures of single components."""

    gpu_audio_rate: float
    """Seconds of audio per second of a GPU while each of its streams keeps real time."""
    ingress_cpu_s: float = 0.0076
    """CPU seconds of the ingress per second of audio."""
    proxy_cpu_s: float = 0.0025
    """CPU seconds of Serve's HTTP proxy per second of audio."""
    kv_call_s: float = 0.00062
    """Seconds of one call of Ray's key-value store."""
    weights_gb: float = 20.0
    """Gigabytes read by a starting GPU pod."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits that are known to work; nobody has shown larger ones."""

    nodes: int = 250
    """Ray nodes of a cluster."""
    replicas: int = 4096
    """Replicas under one Serve controller."""
    process_share: float = 0.7
    """Fraction of a core that a Python process of the data path may use before its latency suffers."""
    controller_share: float = 0.5
    """Fraction of the controller's time for our policies: the rest is Serve's own."""

    def ingresses(self, figures: Figures) -> int:
        """Returns the ingress replicas whose holds the policies can read in their time."""
        calls = self.controller_share / (figures.kv_call_s * _MODELS * _REFRESHES)
        return max(1, math.floor(calls) - _CALLS)


@dataclass(frozen=True, slots=True)
class Demand:
    """Requirements of a cluster."""

    streams: int
    """Concurrent listeners, each with audio in real time."""
    headroom: float = 0.3
    """Fraction of the GPUs' rate kept free, for bursts and for a lost node."""
    gpus_per_node: int = 1
    storage_gb_s: float = 2.0
    """Throughput of the volume with the checkpoints, for all readers together."""
    gpu_price: float = 0.0
    """Price of a GPU per hour."""
    cpu_price: float = 0.0
    """Price of a CPU per hour."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A cluster, or several of one kind."""

    gpus: int
    replicas: Mapping[str, int]
    """By deployment."""
    cpu_nodes: int
    nodes: int
    proxies: int
    """Serve's own: one on each node with a replica."""
    cells: int
    """RayServices, behind one load balancer, required to stay within the limits."""
    bound_by: str
    """The limit that requires more than one cell; empty if there is one."""
    cold_start_s: float
    """Seconds until the last of all GPU pods, started at once, has read its weights."""
    price: float
    """An hour."""

    def price_of_speech(self, streams: int) -> float:
        """Returns the price of an hour of speech when all streams are in use."""
        return self.price / streams


_CPUS_PER_NODE: Final = 6
_INGRESSES_PER_NODE: Final = 4
"""k8s/base gives a CPU worker six CPUs; a busy ingress and its share of the proxy take more than one."""


def plan(demand: Demand, figures: Figures, limits: Limits | None = None) -> Plan:
    """Computes the smallest cluster that meets a demand.

    Raises:
        ValueError: a figure or the demand is not above zero.
    """
    limits = limits or Limits()
    if demand.streams < 1 or figures.gpu_audio_rate <= 0 or not 0 <= demand.headroom < 1:
        raise ValueError("streams and the GPU's rate must be above 0, and the headroom from 0 to below 1")
    gpus = math.ceil(demand.streams / (figures.gpu_audio_rate * (1 - demand.headroom)))
    ingresses = max(2, math.ceil(demand.streams * figures.ingress_cpu_s / limits.process_share))
    # A proxy carries the load of the ingresses on its node.
    carrying = math.ceil(demand.streams * figures.proxy_cpu_s / limits.process_share)
    cpu_nodes = max(2, carrying, math.ceil(ingresses / _INGRESSES_PER_NODE))
    pods = math.ceil(gpus / demand.gpus_per_node)
    nodes = 1 + cpu_nodes + pods
    replicas = {"Llasa": gpus, "XCodec2": gpus, "Whisper": 1, "Ingress": ingresses, "Jobs": 1, "Ui": 1}
    cells = {
        "nodes of a Ray cluster": math.ceil(nodes / limits.nodes),
        "replicas under one controller": math.ceil(sum(replicas.values()) / limits.replicas),
        "ingresses whose holds the policies read": math.ceil(ingresses / limits.ingresses(figures)),
    }
    bound, most = max(cells.items(), key=lambda cell: cell[1])
    cpus = cpu_nodes * _CPUS_PER_NODE
    return Plan(
        gpus=gpus,
        replicas=replicas | {"Whisper": most, "Jobs": most, "Ui": most},  # each cell has its own
        cpu_nodes=cpu_nodes,
        nodes=nodes + most - 1,  # and a head
        proxies=cpu_nodes + pods,
        cells=most,
        bound_by=bound if most > 1 else "",
        cold_start_s=pods * figures.weights_gb / demand.storage_gb_s,
        price=gpus * demand.gpu_price + cpus * demand.cpu_price,
    )
