"""Places a replica on a GPU, before CUDA starts in its process and fixes the visible GPUs."""

import os
import sys
from collections.abc import MutableMapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from deployments.errors import Unavailable
from deployments.placement.choice import Claim, Need, candidates, describe, fits
from deployments.placement.devices import Gpu, GpuReader, visible
from deployments.placement.lease import Lease, Leases

_ORDER: Final = "CUDA_DEVICE_ORDER"
_VISIBLE: Final = "CUDA_VISIBLE_DEVICES"
_REFUSAL_S: Final = 120.0
"""Seconds for which a GPU on which a model ran out of memory is its last choice: a few restarts of a replica."""


def place(
    model: str,
    fraction: float | None,
    bytes: int | None,
    reader: GpuReader,
    environment: MutableMapping[str, str] = os.environ,
    lease_dir: Path | None = None,
    assigned: Sequence[str] = (),
) -> "Placement":
    """Chooses and leases a GPU for this process and restricts CUDA to it. Call it before CUDA is initialised.

    Leaves the choice to Ray if NVML shows no GPU, if only one is visible (it is leased all the same, without checking
    its room, so that other processes see it), and if all visible ones are partitioned by MIG.

    Args:
        model: The replica's model, for messages and status.
        fraction: Fraction of a GPU, as Ray's `num_gpus`; None if unknown.
        bytes: Peak memory, CUDA context included; None if unknown.
        reader: Reads the GPUs.
        environment: Its CUDA_VISIBLE_DEVICES is the outer bound, so Ray must have left it alone
            (RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES=1). Set here to the chosen UUID, until `release`.
        lease_dir: Folder of `Leases`.
        assigned: The ids that Ray gave this replica (`get_accelerator_ids()["GPU"]`): put into CUDA_VISIBLE_DEVICES
            if the choice is left to Ray, since that setting stops Ray from doing it.

    Raises:
        Unavailable: no visible GPU has room; says what was needed and what each had.
        RuntimeError: a GPU must be chosen, but CUDA is initialised already.
    """
    return Placement(model, Need(fraction, bytes), reader, environment, Leases(lease_dir), assigned)


class Placement:
    """The GPU of this process. Created by `place`; lasts until `release` or the end of the process."""

    def __init__(
        self,
        model: str,
        need: Need,
        reader: GpuReader,
        environment: MutableMapping[str, str],
        leases: Leases,
        assigned: Sequence[str],
    ) -> None:
        self._model = model
        self._need = need
        self._reader = reader
        self._environment = environment
        self._before = {name: environment.get(name) for name in (_ORDER, _VISIBLE)}
        self._leases = leases
        self._lease: Lease | None = None
        self._given_up: list[str] = []
        gpus = reader.read()
        self._visible = visible(gpus, environment)
        mine = [gpu for gpu in gpus if gpu.uuid in self._visible]
        if gpus and not mine:
            raise Unavailable(
                f"{model} needs {need}, but CUDA_VISIBLE_DEVICES or NVIDIA_VISIBLE_DEVICES allows none of the "
                f"{len(gpus)} GPUs of this node."
            )
        self.chosen = len(mine) > 1 and not all(gpu.mig for gpu in mine)
        """Whether the GPU was chosen here; False if Ray's assignment stands."""
        if self.chosen:
            if cuda_has_started():
                raise RuntimeError("CUDA has started in this process: its visible GPUs can no longer be changed.")
            self._take()
            return
        if len(mine) == 1 and not mine[0].mig:
            self._lease = leases.take(model, need, lambda claims: mine[0].uuid)
        if gpus:
            environment[_ORDER] = "PCI_BUS_ID"  # the order that the bound's indices refer to
        if assigned:
            environment[_VISIBLE] = ",".join(assigned)

    @property
    def uuid(self) -> str | None:
        """UUID of the GPU of this process; None if only Ray knows it (no NVML, MIG), and after `release`."""
        return self._lease.claim.gpu if self._lease else None

    @property
    def exhausted(self) -> bool:
        """Whether the model has recently run out of memory on every GPU that it may use."""
        return not self.chosen or self._visible <= self._leases.refused(self._model, _REFUSAL_S)

    def loaded(self, used: int) -> None:
        """Records that the model is on its GPU, so that other replicas stop reserving its memory.

        NVML shows that, too, but not in a container, where it counts processes as the host does.

        Args:
            used: Bytes that this process uses there, CUDA context included.
        """
        if self._lease:
            self._lease.use(used)
            self._leases.accept(self._model, self._lease.claim.gpu)

    def sleep(self, used: int) -> None:
        """Records that the model has left the GPU for the host's memory. Its claim then yields to others.

        Args:
            used: Bytes that this process still uses there: CUDA's context.
        """
        if self._lease:
            self._lease.use(used, asleep=True)

    def wake(self) -> bool:
        """Claims the GPU again for a model that is asleep; returns whether it has room.

        Raises:
            Unavailable: neither this GPU nor another one has room.
        """
        if not self._lease:
            return True  # only Ray knows the GPU
        own = self._lease.claim
        # CUDA's context is on the GPU already.
        rest = Need(self._need.fraction, None if self._need.bytes is None else max(0, self._need.bytes - own.used))

        def has_room(others: list[Claim]) -> bool:
            awake = [claim for claim in others if not claim.asleep]
            return any(gpu.uuid == own.gpu and fits(gpu, awake, rest) for gpu in self._reader.read())

        if self._lease.wake(has_room):
            return True
        gpus, claims = self._reader.read(), [claim for claim in self._leases.held() if claim != own]
        if not candidates(gpus, claims, self._need, self._visible - {own.gpu}):
            raise Unavailable(self._no_room(gpus, claims))
        return False

    def next(self) -> None:
        """Releases this GPU, on which the model ran out of memory, and takes the next best.

        Raises:
            Unavailable: no other GPU has room; or CUDA is initialised in this process and cannot change its GPU. Then
                the process has to end: the replica that replaces it tries this GPU last, for two minutes.
        """
        if gpu := self.uuid:
            self._leases.refuse(self._model, gpu)
            self._given_up.append(gpu)
        self.release()
        if not self.chosen:
            raise Unavailable(f"{self._model} needs {self._need}, and ran out of memory on the one GPU it may use.")
        if cuda_has_started():
            raise Unavailable(
                f"{self._model} needs {self._need}, and ran out of memory on {gpu}: its process must end."
            )
        self._take()

    def release(self) -> None:
        """Ends the lease and restores the environment. Further calls do nothing."""
        if self._lease:
            self._lease.release()
            self._lease = None
        for name, value in self._before.items():
            if value is None:
                self._environment.pop(name, None)
            else:
                self._environment[name] = value

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _take(self) -> None:
        last = self._leases.refused(self._model, _REFUSAL_S)
        allowed = self._visible.difference(self._given_up)

        def pick(claims: list[Claim]) -> str:
            gpus = self._reader.read()
            found = candidates(gpus, claims, self._need, allowed, last)
            if not found:
                raise Unavailable(self._no_room(gpus, claims))
            return found[0].uuid

        self._lease = self._leases.take(self._model, self._need, pick)
        self._environment[_ORDER] = "PCI_BUS_ID"
        self._environment[_VISIBLE] = self._lease.claim.gpu

    def _no_room(self, gpus: Sequence[Gpu], claims: Sequence[Claim]) -> str:
        had = []
        for gpu in gpus:
            if gpu.uuid in self._visible:
                note = ", and ran out when tried" if gpu.uuid in self._given_up else ""
                note += ", and is left to Ray (MIG)" if gpu.mig else ""
                had.append(describe(gpu, claims) + note)
        return f"{self._model} needs {self._need}, and no GPU has room. {'; '.join(had) or 'NVML shows no GPU'}."


def cuda_has_started() -> bool:
    """Whether CUDA has fixed the visible GPUs of this process."""
    torch = sys.modules.get("torch")
    return torch is not None and bool(torch.cuda.is_initialized())
