"""Checks that all replicas fit on the available nodes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

_EXACT: Final = 1e-6
"""Tolerance for sums of fractions of a GPU."""


@dataclass(frozen=True, slots=True)
class Node:
    """A machine or a pod, as Ray counts it."""

    name: str
    cpus: float
    gpus: int
    count: int = 1
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels that Ray knows it by."""


@dataclass(frozen=True, slots=True)
class Need:
    """What each replica of a deployment reserves."""

    deployment: str
    cpus: float
    gpus: float
    least: int = 1
    """Replicas required to serve any request."""
    most: int = 1
    selector: Mapping[str, str] = field(default_factory=dict)
    """Labels of eligible nodes. Labels with an operator (`!`, `in(`) are ignored."""


def misfits(needs: Sequence[Need], nodes: Sequence[Node]) -> list[str]:
    """Explains why the needs cannot be met, in sentences; returns none if they can.

    Packs the largest first, each onto the first node with room, which is close enough to Ray's scheduler for a few
    deployments.
    """
    impossible = [
        f"{need.deployment} needs {need.gpus:g} GPUs a replica: Ray gives out whole GPUs or a part of one"
        for need in needs
        if need.gpus > 1 and need.gpus % 1
    ]
    if not nodes or impossible:
        return impossible
    left = _pack([replace(need, most=need.least) for need in needs], nodes)
    if left:
        wanted = ", ".join(_needed(need) for need in needs if need.gpus or need.deployment in left)
        return [f"{' and '.join(left)} cannot be placed beside the others. Needed: {wanted}. There is: {_have(nodes)}"]
    return [
        f"{need.deployment} can never have its {need.most} replicas: there is {_have(nodes)}"
        for need in needs
        if _pack([replace(other, most=need.most if other is need else other.least) for other in needs], nodes)
    ]


def _pack(needs: Sequence[Need], nodes: Sequence[Node]) -> list[str]:
    """Returns the deployments that do not fit when each has its `most` replicas."""
    seats = [
        _Seat(node.cpus, [1.0] * node.gpus, node.labels) for node in sorted(nodes, key=_gpus) for _ in range(node.count)
    ]
    return [
        need.deployment
        for need in sorted(needs, key=lambda need: (need.gpus, need.cpus), reverse=True)
        if not all(any(seat.take(need) for seat in seats) for _ in range(need.most))
    ]


@dataclass(slots=True)
class _Seat:
    """Free resources of a node."""

    cpus: float
    gpus: list[float]
    labels: Mapping[str, str]

    def take(self, need: Need) -> bool:
        """Places a replica on the node, if there is room."""
        plain = {key: value for key, value in need.selector.items() if "!" not in value and "(" not in value}
        if any(self.labels.get(key) != value for key, value in plain.items()):
            return False
        share, count = (need.gpus, 1) if 0 < need.gpus < 1 else (1.0, int(need.gpus))
        # Like Ray: a fraction goes to the fullest GPU that has room for it.
        fitting = sorted((n for n, free in enumerate(self.gpus) if free >= share - _EXACT), key=self.gpus.__getitem__)
        if need.cpus > self.cpus + _EXACT or len(fitting) < count:
            return False
        self.cpus -= need.cpus
        for n in fitting[:count]:
            self.gpus[n] -= share
        return True


def _gpus(node: Node) -> int:
    return node.gpus


def _needed(need: Need) -> str:
    where = "".join(f" where {key} is {value}" for key, value in need.selector.items())
    return f"{need.deployment} {need.gpus:g} GPU and {need.cpus:g} CPU{where}"


def _have(nodes: Sequence[Node]) -> str:
    return ", ".join(f"{n.count} x {n.name} ({n.gpus} GPU, {n.cpus:g} CPU)" for n in nodes)
