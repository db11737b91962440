"""Two Ray nodes with fake GPUs, and Serve replicas that place themselves there. Prints what they chose, as JSON.

A program and not a fixture: a process can be in one Ray only, and the tests' own is in use.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
from ray import serve
from ray.cluster_utils import Cluster

from deployments.placement.gpu_loader import load_onto_gpu, sleep_on_gpu, wake_on_gpu
from deployments.placement.lease import Leases
from deployments.placement.model_loader import ModelLoader
from deployments.remote import LOST
from deployments.residency.replica import assigned_gpus, follow_policy, record_event
from deployments.residency.serve_residency import ServeResidency
from tests.support.fake_nvml import GIB, FileReader, gpu, write_gpus

LOADS = [(5, 8, 20, 3), (22, 8, 4, 3), (1, 2, 3, 4)]
"""GiB free on each GPU before each start: the most is on 2, 0, 3."""


class Seat:
    """A replica that takes a GPU and holds nothing else."""

    def __init__(self, folder: str, nvml: str, fraction: float, gib: float) -> None:
        self._uuid, self._placement = load_onto_gpu(
            "Seat",
            fraction,
            int(gib * GIB),
            lambda gpu: gpu.uuid if gpu else None,
            FileReader(Path(folder, nvml)),
            assigned=assigned_gpus(),
            lease_dir=Path(folder, f"leases-{nvml}"),  # of a node, and both are this machine
        )

    def gpu(self) -> str | None:
        return self._uuid


class Sleepy:
    """A replica that takes a GPU, and leaves it when its policy wishes."""

    def __init__(self, folder: str, nvml: str, fraction: float, gib: float) -> None:
        self._reader = FileReader(Path(folder, nvml))
        self._fraction, self._bytes, self._leases = fraction, int(gib * GIB), Path(folder, f"leases-{nvml}")
        self._loader = ModelLoader(
            self._load,
            lambda event: record_event("Sleepy", event, None, self._placement.uuid),
            sleep=lambda uuid: sleep_on_gpu(self._placement),
            wake=lambda uuid: wake_on_gpu(self._placement, lambda gpu: None, self._reader),
        )
        self._follower = follow_policy("Sleepy", self._loader)

    def _load(self) -> str | None:
        uuid, self._placement = load_onto_gpu(
            "Sleepy",
            self._fraction,
            self._bytes,
            lambda gpu: gpu.uuid if gpu else None,
            self._reader,
            assigned=assigned_gpus(),
            lease_dir=self._leases,
        )
        return uuid

    async def gpu(self) -> tuple[str | None, int]:
        async with self._loader.use() as uuid:
            return uuid, os.getpid()


def seat(
    name: str, folder: Path, nvml: str, fraction: float, gib: float, node: str, kind: type = Seat, **options: Any
) -> Any:
    """A handle of a running application with one kind of seat."""
    actor = {
        "num_cpus": 0,
        "num_gpus": fraction,
        "resources": {node: 0.01},
        "runtime_env": {"env_vars": {"RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES": "1"}},
    }
    deployment: Any = serve.deployment(name=name, ray_actor_options=actor, **options)(kind)
    return serve.run(deployment.bind(str(folder), nvml, fraction, gib), name=name, route_prefix=None)


def index(uuid: str) -> int:
    return int(uuid.removeprefix("GPU-")[0])


def scaling(release_s: float) -> dict[str, Any]:
    """From and to zero, by the policy."""
    return {
        "min_replicas": 0,
        "max_replicas": 1,
        "initial_replicas": 0,
        "upscale_delay_s": 0,
        "downscale_delay_s": 0,
        "look_back_period_s": 4,
        "metrics_interval_s": 1,
        "policy": {
            "policy_function": "deployments.residency.policy:ResidencyPolicy",
            "policy_kwargs": {"timeout_s": 600, "release_s": release_s},
        },
    }


def least_loaded_at_each_start(folder: Path) -> list[int]:
    """Scales one seat from and to zero while the loads change."""
    chosen = []
    handle = seat("Moving", folder, "four", 1.0, 2, "four", autoscaling_config=scaling(0))
    residency = ServeResidency("Moving", {})
    for loads in LOADS:
        write_gpus(folder / "four", [gpu(n, free) for n, free in enumerate(loads)])
        chosen.append(index(handle.gpu.remote().result(timeout_s=60)))
        asyncio.run(residency.offload(["Moving"]))
        deadline = time.monotonic() + 60
        while serve.status().applications["Moving"].deployments["Moving"].replica_states:
            assert time.monotonic() < deadline, "the seat was not given up"
            time.sleep(0.2)
    serve.delete("Moving")
    return chosen


def sleeper_whose_gpu_is_taken(folder: Path) -> dict[str, Any]:
    """Lets a replica sleep, wake, sleep again, and another program take its GPU before it wakes."""
    write_gpus(folder / "four", [gpu(n, free) for n, free in enumerate((4, 20, 19, 5))])
    options = {"autoscaling_config": scaling(600), "health_check_period_s": 0.5}
    handle = seat("Sleepy", folder, "four", 1.0, 10, "four", Sleepy, **options)
    residency, leases = ServeResidency("Sleepy", {}), Leases(folder / "leases-four")
    found: dict[str, Any] = {"gpus": [], "pids": [], "asleep": []}

    def use() -> None:
        deadline = time.monotonic() + 120
        while True:
            try:
                uuid, pid = handle.gpu.remote().result(timeout_s=60)
                break
            except LOST:
                assert time.monotonic() < deadline, "no other replica came"
        found["gpus"].append(index(uuid))
        found["pids"].append(pid)

    use()
    for loads in ((4, 20, 19, 5), (4, 3, 19, 5)):
        asyncio.run(residency.offload(["Sleepy"]))
        deadline = time.monotonic() + 60
        while not all(claim.asleep for claim in leases.held()):
            assert time.monotonic() < deadline, "it does not sleep"
            time.sleep(0.2)
        found["asleep"].append([[index(claim.gpu), claim.asleep] for claim in leases.held()])
        write_gpus(folder / "four", [gpu(n, free) for n, free in enumerate(loads)])
        use()
    serve.delete("Sleepy")
    return found


def two_starting_together(folder: Path) -> list[int]:
    write_gpus(folder / "four", [gpu(n, free) for n, free in enumerate((4, 20, 19, 5))])
    pair = seat("Pair", folder, "four", 1.0, 10, "four", num_replicas=2, max_ongoing_requests=1)
    seen: set[int] = set()
    deadline = time.monotonic() + 60
    while len(seen) < 2 and time.monotonic() < deadline:
        seen |= {index(response.result(timeout_s=60)) for response in [pair.gpu.remote() for _ in range(8)]}
    serve.delete("Pair")
    return sorted(seen)


def codec_beside_llasa(folder: Path) -> list[int]:
    write_gpus(folder / "one", [gpu(0, 24)])
    codec = seat("Codec", folder, "one", 0.2, 4, "one")
    llasa = seat("Llasa", folder, "one", 0.8, 18, "one")
    return [index(handle.gpu.remote().result(timeout_s=60)) for handle in (codec, llasa)]


def codec_apart_from_llasa(folder: Path) -> list[int]:
    write_gpus(folder / "four", [gpu(0, 24), gpu(1, 23)])
    codec = seat("Codec2", folder, "four", 0.2, 4, "four")
    llasa = seat("Llasa2", folder, "four", 1.0, 18, "four")
    return [index(handle.gpu.remote().result(timeout_s=60)) for handle in (codec, llasa)]


@contextmanager
def cluster() -> Iterator[Cluster]:
    both = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 2, "num_gpus": 4, "resources": {"four": 1}, "include_dashboard": False},
    )
    both.add_node(num_cpus=1, num_gpus=1, resources={"one": 1})
    ray.init(address=both.address, log_to_driver=False)
    try:
        yield both
    finally:
        serve.shutdown()
        ray.shutdown()
        both.shutdown()


def main(folder: Path) -> None:
    with cluster():
        serve.start(proxy_location="Disabled")
        found: dict[str, Any] = {
            "least loaded": least_loaded_at_each_start(folder),
            "sleeper": sleeper_whose_gpu_is_taken(folder),
            "together": two_starting_together(folder),
            "one GPU": codec_beside_llasa(folder),
            "two GPUs": codec_apart_from_llasa(folder),
        }
        status = asyncio.run(ServeResidency("Codec", {}, reader=FileReader(folder / "four")).gpus())
        found["status"] = [[gpu.index, gpu.name] for gpu in status]
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
