"""The model of capacity: figures of one replica in, a cluster out. README.md says where each number is from."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_MODELS: Final = 3
_REFRESHES: Final = 2
"""A second, by each model's policy, in Serve's controller (`deployments.residency.policy`)."""
_CALLS: Final = 3
"""Of the key-value store in a refresh, beside one for each ingress: orders, observation, list of holds."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one of each can do."""

    gpu_audio_rate: float
    """Seconds of audio a second that a GPU makes while every one of its streams keeps real time."""
    ingress_cpu_s: float = 0.0076
    """CPU seconds that the ingress spends on a second of audio."""
    proxy_cpu_s: float = 0.0025
    """Likewise of Serve's HTTP proxy."""
    kv_call_s: float = 0.00062
    """Of one call of Ray's key-value store."""
    weights_gb: float = 20.0
    """Read by a GPU pod that starts."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is known to work; beyond it lies what nobody has shown."""

    nodes: int = 250
    """Ray nodes of a cluster."""
    replicas: int = 4096
    """Replicas under one Serve controller."""
    process_share: float = 0.7
    """Of a core that a Python process of the data path may use before its latency suffers."""
    controller_share: float = 0.5
    """Of the controller's time that our policies may take: the rest is Serve's own."""

    def ingresses(self, figures: Figures) -> int:
        """Ingress replicas whose holds the policies can read in their time."""
        calls = self.controller_share / (figures.kv_call_s * _MODELS * _REFRESHES)
        return max(1, math.floor(calls) - _CALLS)


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked for."""

    streams: int
    """Listeners at once, each of whom is given audio in real time."""
    headroom: float = 0.3
    """Of the GPUs' rate that is kept free, for bursts and for a lost node."""
    gpus_per_node: int = 1
    storage_gb_s: float = 2.0
    """What the volume with the checkpoints gives to all readers together."""
    gpu_price: float = 0.0
    """For an hour of a GPU."""
    cpu_price: float = 0.0
    """For an hour of a CPU."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A cluster, or several of one kind."""

    gpus: int
    replicas: Mapping[str, int]
    """By deployment."""
    cpu_nodes: int
    nodes: int
    proxies: int
    """Serve's own: one on each node that has a replica."""
    cells: int
    """RayServices, behind one load balancer, that it takes to stay within the limits."""
    bound_by: str
    """What makes it more than one cell; empty if it is one."""
    cold_start_s: float
    """Until the last of all GPU pods, started at once, has read its weights."""
    price: float
    """An hour."""

    def price_of_speech(self, streams: int) -> float:
        """For an hour of speech, when all streams are in use."""
        return self.price / streams


_CPUS_PER_NODE: Final = 6
_INGRESSES_PER_NODE: Final = 4
"""k8s/base gives a CPU worker six CPUs; a busy ingress and its share of the proxy take more than one."""


def plan(demand: Demand, figures: Figures, limits: Limits | None = None) -> Plan:
    """The smallest cluster that serves a demand.

    Raises:
        ValueError: a figure or the demand is not above zero.
    """
    limits = limits or Limits()
    if demand.streams < 1 or figures.gpu_audio_rate <= 0 or not 0 <= demand.headroom < 1:
        raise ValueError("streams and the GPU's rate must be above 0, and the headroom from 0 to below 1")
    gpus = math.ceil(demand.streams / (figures.gpu_audio_rate * (1 - demand.headroom)))
    ingresses = max(2, math.ceil(demand.streams * figures.ingress_cpu_s / limits.process_share))
    # A proxy carries what the ingresses on its node do.
    carrying = math.ceil(demand.streams * figures.proxy_cpu_s / limits.process_share)
    cpu_nodes = max(2, carrying, math.ceil(ingresses / _INGRESSES_PER_NODE))
    pods = math.ceil(gpus / demand.gpus_per_node)
    nodes = 1 + cpu_nodes + pods
    replicas = {"Llasa": gpus, "XCodec2": gpus, "Whisper": 1, "Ingress": ingresses, "Ui": 1}
    cells = {
        "nodes of a Ray cluster": math.ceil(nodes / limits.nodes),
        "replicas under one controller": math.ceil(sum(replicas.values()) / limits.replicas),
        "ingresses whose holds the policies read": math.ceil(ingresses / limits.ingresses(figures)),
    }
    bound, most = max(cells.items(), key=lambda cell: cell[1])
    cpus = cpu_nodes * _CPUS_PER_NODE
    return Plan(
        gpus=gpus,
        replicas=replicas | {"Whisper": most, "Ui": most},  # each cell has its own
        cpu_nodes=cpu_nodes,
        nodes=nodes + most - 1,  # and a head
        proxies=cpu_nodes + pods,
        cells=most,
        bound_by=bound if most > 1 else "",
        cold_start_s=pods * figures.weights_gb / demand.storage_gb_s,
        price=gpus * demand.gpu_price + cpus * demand.cpu_price,
    )
