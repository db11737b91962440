"""Chooses the GPU of a replica: the one with the most unclaimed free memory."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from deployments.placement.devices import Gpu

_ROUNDING = 1e-9
"""Tolerance of sums: ten claims of a tenth make one GPU, in spite of rounding."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a replica needs of a GPU. None: unknown, so no GPU is refused for it."""

    fraction: float | None = None
    """Fraction of the GPU, as Ray's `num_gpus`: 0 to 1."""
    bytes: int | None = None
    """Peak memory, CUDA context included."""

    def __str__(self) -> str:
        parts = [] if self.bytes is None else [f"{self.bytes / 2**30:.1f} GiB"]
        if self.fraction is not None:
            parts.append(f"{self.fraction:g} of a GPU")
        return " and ".join(parts) or "a GPU"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a living replica holds of a GPU: a lease as other processes see it."""

    gpu: str
    """UUID."""
    model: str
    pid: int
    since: float
    """Seconds since the epoch."""
    need: Need
    used: int = 0
    """Bytes in use by the replica's own account: NVML may list it under another pid, or not at all."""
    asleep: bool = False
    """Whether its model is in host memory: another replica may take the GPU if no other one has room."""


def promised(gpu: Gpu, claims: Iterable[Claim]) -> int:
    """Returns the bytes of the GPU that are claimed but not in use yet.

    A claim without bytes counts as its fraction of the GPU. Memory that its process uses already, by NVML or by its own
    account, is in the GPU's `used` and does not count again.
    """
    by_process: dict[int, list[Claim]] = defaultdict(list)
    for claim in claims:
        if claim.gpu == gpu.uuid:
            by_process[claim.pid].append(claim)
    seen = {process.pid: process.used or 0 for process in gpu.processes}
    total = 0
    for pid, own in by_process.items():
        wanted = sum(int((c.need.fraction or 0) * gpu.total) if c.need.bytes is None else c.need.bytes for c in own)
        total += max(0, wanted - max(seen.get(pid, 0), sum(c.used for c in own)))
    return total


def room(gpu: Gpu, claims: Iterable[Claim]) -> int:
    """Returns the bytes that are free and unclaimed. Negative if the claims exceed the free memory."""
    return gpu.free - promised(gpu, claims)


def usable(gpu: Gpu, claims: Iterable[Claim]) -> int:
    """Returns the bytes that are free or in use by claimants; memory of other programs cannot be planned with."""
    return gpu.free + sum(claim.used for claim in claims if claim.gpu == gpu.uuid)


def taken(gpu: Gpu, claims: Iterable[Claim]) -> float:
    """Returns the sum of the claimed fractions of the GPU."""
    return sum(claim.need.fraction or 0 for claim in claims if claim.gpu == gpu.uuid)


def candidates(
    gpus: Sequence[Gpu],
    claims: Sequence[Claim],
    need: Need,
    visible: Collection[str],
    last: Collection[str] = (),
) -> list[Gpu]:
    """Returns the GPUs with room for the need, best first: by most room, ties by PCI order.

    Excludes GPUs that are not visible, those partitioned by MIG (Ray assigns those), those without room for the bytes,
    and those whose fractions would exceed 1. Trying a full GPU would only make its other replicas fail. GPUs without
    room for the need and all sleepers come after those with it.

    Args:
        gpus: As just read.
        claims: All claims held on this node.
        need: The replica's need.
        visible: UUIDs.
        last: UUIDs to take only as a last resort.
    """

    awake = [claim for claim in claims if not claim.asleep]
    found = [gpu for gpu in gpus if not gpu.mig and gpu.uuid in visible and fits(gpu, awake, need)]
    return sorted(found, key=lambda gpu: (gpu.uuid in last, not fits(gpu, claims, need), -room(gpu, claims), gpu.index))


def fits(gpu: Gpu, claims: Sequence[Claim], need: Need) -> bool:
    """Returns whether a GPU has room for a need beside the claims."""
    if need.fraction is not None and taken(gpu, claims) + need.fraction > 1 + _ROUNDING:
        return False
    return need.bytes is None or room(gpu, claims) >= need.bytes


def describe(gpu: Gpu, claims: Sequence[Claim]) -> str:
    """Describes a GPU for the message that none has room: `GPU 0 (NVIDIA L4) has 3.0 GiB free, …`."""
    text = f"GPU {gpu.index} ({gpu.name}) has {gpu.free / 2**30:.1f} of {gpu.total / 2**30:.1f} GiB free"
    if unused := promised(gpu, claims):
        text += f", {unused / 2**30:.1f} GiB of it promised"
    if holders := sorted(f"{c.model} ({c.need}{', asleep' if c.asleep else ''})" for c in claims if c.gpu == gpu.uuid):
        text += f", leased by {', '.join(holders)}"
    return text
