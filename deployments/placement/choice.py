"""Which GPU a replica should take: the one with the most memory that nobody has or has been promised."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from deployments.placement.devices import Gpu

_ROUNDING = 1e-9
"""Ten claims of a tenth are one GPU, whatever floats make of it."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a replica wants of a GPU. None: unknown, and nothing is refused for it."""

    fraction: float | None = None
    """Of the GPU, as Ray's `num_gpus`: 0 to 1."""
    bytes: int | None = None
    """Memory at its largest, CUDA context included."""

    def __str__(self) -> str:
        parts = [] if self.bytes is None else [f"{self.bytes / 2**30:.1f} GiB"]
        if self.fraction is not None:
            parts.append(f"{self.fraction:g} of a GPU")
        return " and ".join(parts) or "a GPU"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a living replica holds of a GPU: a lease as others see it."""

    gpu: str
    """UUID."""
    model: str
    pid: int
    since: float
    """Seconds since the epoch."""
    need: Need
    used: int = 0
    """Bytes that the replica says it has there by now: NVML may know it under another pid, or not tell."""


def promised(gpu: Gpu, claims: Iterable[Claim]) -> int:
    """Bytes of the GPU that were claimed and are not in use yet.

    A claim that gives no bytes counts as its fraction of the GPU. What its process uses already, by NVML or by its own
    word, is in the GPU's `used` and does not count again.
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
    """Bytes that are free and promised to nobody. Below zero where more was promised than is there."""
    return gpu.free - promised(gpu, claims)


def usable(gpu: Gpu, claims: Iterable[Claim]) -> int:
    """Bytes that are free, or that the claimants have already: what other programs have cannot be planned with."""
    return gpu.free + sum(claim.used for claim in claims if claim.gpu == gpu.uuid)


def taken(gpu: Gpu, claims: Iterable[Claim]) -> float:
    """The claimed fractions of the GPU, in all."""
    return sum(claim.need.fraction or 0 for claim in claims if claim.gpu == gpu.uuid)


def candidates(
    gpus: Sequence[Gpu],
    claims: Sequence[Claim],
    need: Need,
    visible: Collection[str],
    last: Collection[str] = (),
) -> list[Gpu]:
    """The GPUs on which the need has room, best first: by most room, ties by PCI order.

    Left out are: GPUs that are not visible, those cut by MIG (Ray gives those out), those without room for the bytes,
    and those whose fractions would exceed 1. To try one that is too full would only make its other replicas fail.

    Args:
        gpus: As just read.
        claims: All that are held on this node.
        need: Of the replica.
        visible: UUIDs.
        last: UUIDs to take only when nothing else is left.
    """

    def fits(gpu: Gpu) -> bool:
        if gpu.mig or gpu.uuid not in visible:
            return False
        if need.fraction is not None and taken(gpu, claims) + need.fraction > 1 + _ROUNDING:
            return False
        return need.bytes is None or room(gpu, claims) >= need.bytes

    return sorted(filter(fits, gpus), key=lambda gpu: (gpu.uuid in last, -room(gpu, claims), gpu.index))


def describe(gpu: Gpu, claims: Sequence[Claim]) -> str:
    """What a GPU has, for the message to one who found no room: `GPU 0 (NVIDIA L4) has 3.0 GiB free, …`."""
    text = f"GPU {gpu.index} ({gpu.name}) has {gpu.free / 2**30:.1f} of {gpu.total / 2**30:.1f} GiB free"
    if unused := promised(gpu, claims):
        text += f", {unused / 2**30:.1f} GiB of it promised"
    if holders := sorted(f"{c.model} ({c.need})" for c in claims if c.gpu == gpu.uuid):
        text += f", leased by {', '.join(holders)}"
    return text
