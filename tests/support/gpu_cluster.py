"""Two Ray nodes with fake GPUs, and Serve replicas that place themselves there. Prints what they chose, as JSON.

A program and not a fixture: a process can be in one Ray only, and the tests' own is in use.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
from ray import serve
from ray.cluster_utils import Cluster

from deployments.placement.gpu_loader import load_onto_gpu
from deployments.residency.policy import ServeResidency, assigned_gpus
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


def seat(name: str, folder: Path, nvml: str, fraction: float, gib: float, node: str, **options: Any) -> Any:
    """A handle of a running application with one kind of seat."""
    actor = {
        "num_cpus": 0,
        "num_gpus": fraction,
        "resources": {node: 0.01},
        "runtime_env": {"env_vars": {"RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES": "1"}},
    }
    deployment: Any = serve.deployment(name=name, ray_actor_options=actor, **options)(Seat)
    return serve.run(deployment.bind(str(folder), nvml, fraction, gib), name=name, route_prefix=None)


def index(uuid: str) -> int:
    return int(uuid.removeprefix("GPU-")[0])


def least_loaded_at_each_start(folder: Path) -> list[int]:
    """Scales one seat from and to zero while the loads change."""
    scaling = {
        "min_replicas": 0,
        "max_replicas": 1,
        "initial_replicas": 0,
        "upscale_delay_s": 0,
        "downscale_delay_s": 0,
        "look_back_period_s": 4,
        "metrics_interval_s": 1,
        "policy": {
            "policy_function": "deployments.residency.policy:ResidencyPolicy",
            "policy_kwargs": {"timeout_s": 600, "release_s": 0},
        },
    }
    chosen = []
    handle = seat("Moving", folder, "four", 1.0, 2, "four", autoscaling_config=scaling)
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
            "together": two_starting_together(folder),
            "one GPU": codec_beside_llasa(folder),
            "two GPUs": codec_apart_from_llasa(folder),
        }
        status = asyncio.run(ServeResidency("Codec", {}, reader=FileReader(folder / "four")).gpus())
        found["status"] = [[gpu.index, gpu.name] for gpu in status]
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
