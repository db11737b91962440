"""A cluster whose GPU nodes come and go, under the service. Prints what became of its requests, as JSON.

A program and not a fixture: a process can be in one Ray only, and the tests' own is in use. The nodes are processes of
this machine, and the GPUs are numbers: Llasa is the small one, made to ask for one.
"""

import asyncio
import base64
import json
import logging
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import ray
import yaml
from ray import serve
from ray.cluster_utils import Cluster
from ray.serve.context import _get_global_client
from ray.serve.schema import ServeDeploySchema

from cli.serve.local import wait
from scripts.k8s import OVERLAYS, serve_config
from scripts.random_checkpoints.llasa import write_llasa
from scripts.random_checkpoints.xcodec2 import write_xcodec2
from tests.support.clips import voice, wav_file
from tests.support.ports import free_port
from tests.support.service import LONG, speak

# A node is given up after two seconds without a sign of it, not after fifteen.
NO_GPU = {"pool": "cpu"}
FAST = {"health_check_initial_delay_ms": 1000, "health_check_period_ms": 500, "health_check_failure_threshold": 4}


def configuration() -> dict[str, Any]:
    """That of the pool's overlay, with the small models: two ingresses, one a node, and Llasa on a GPU."""
    config = serve_config(OVERLAYS["gpu-pool"])
    application = config["applications"][0]
    application["args"] = {"profile": "nano", "node_gpus": 0}
    [whisper] = [one for one in application["deployments"] if one["name"] == "Whisper"]
    whisper["ray_actor_options"]["num_cpus"] = 0.25
    application["deployments"].append({"name": "Llasa", "ray_actor_options": {"num_cpus": 0.25, "num_gpus": 1}})
    return config


@contextmanager
def cluster(port: int) -> Iterator[Cluster]:
    """Two nodes without a GPU, and the service on them."""
    nodes = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "include_dashboard": False, "_system_config": FAST, "labels": NO_GPU},
    )
    nodes.add_node(num_cpus=1, labels=NO_GPU)
    ray.init(address=nodes.address, log_to_driver=False, logging_level=logging.ERROR)
    try:
        config = configuration()
        http = config.pop("http_options") | {"host": "127.0.0.1", "port": port}
        config["proxy_location"] = "HeadOnly"  # the nodes are one machine, with one such port
        serve.start(http_options=http, proxy_location=config["proxy_location"])
        client: Any = _get_global_client()
        client.deploy_apps(ServeDeploySchema(**yaml.safe_load(yaml.safe_dump(config))))
        wait(tell)
        yield nodes
    finally:
        serve.shutdown()
        ray.shutdown()
        nodes.shutdown()


def tell(line: str) -> None:
    print(f"{time.monotonic():.1f} {line}", file=sys.stderr, flush=True)


async def until(true: Callable[[], Awaitable[bool]], what: str, within: float = 60) -> None:
    try:
        async with asyncio.timeout(within):
            while not await true():
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"it was not so within {within:g} s: {what}") from None


def outcome(answer: httpx.Response) -> list[Any]:
    code = None if answer.status_code == 200 else answer.json()["error"]["code"]
    return [answer.status_code, code, answer.headers.get("retry-after")]


async def stream(client: httpx.AsyncClient, begun: asyncio.Event) -> list[str]:
    """Kinds of the events of a streamed speech, which lasts for long."""
    clip = base64.b64encode(wav_file(voice(1.5))).decode()
    body = {
        "model": "tts-1",
        "input": LONG,
        "ref_audio": f"data:audio/wav;base64,{clip}",
        "ref_text": "A reference.",
        "ref_check": "off",
        "response_format": "pcm",
        "stream_format": "sse",
    }
    kinds: list[str] = []
    async with client.stream("POST", "/v1/audio/speech", json=body) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("event: "):
                kinds.append(line.removeprefix("event: "))
                begun.set()
    return kinds


async def story(nodes: Cluster, client: httpx.AsyncClient) -> dict[str, Any]:
    """What happens, and what comes of it."""
    found: dict[str, Any] = {}
    status = serve.status().applications["llasa-serve"]
    details: Any = _get_global_client().get_serve_details()  # type: ignore[union-attr]
    replicas = details["applications"]["llasa-serve"]["deployments"]["Ingress"]["replicas"]
    found["ingress nodes"] = len({replica["node_id"] for replica in replicas})
    found["at rest"] = status.status.value

    async def model(name: str) -> dict[str, Any]:
        answer: dict[str, Any] = (await client.get("/api/gpu/status")).json()["models"][name]
        return answer

    async def loading() -> bool:
        return bool((await model("Llasa"))["state"] == "loading")

    tell("a request, and no GPU for it")
    waiting = asyncio.create_task(speak(client, "Hello there.", 1))
    await until(loading, "Llasa waits for a GPU")
    found["waits"] = not waiting.done() and ray.cluster_resources().get("GPU", 0) == 0
    first = nodes.add_node(num_cpus=1, num_gpus=1)
    async with asyncio.timeout(60):
        found["served when the GPU came"] = outcome(await waiting)
    tell("a second GPU node, and load on the first")
    nodes.add_node(num_cpus=1, num_gpus=1)
    handle = await asyncio.to_thread(serve.get_deployment_handle, "Llasa", "llasa-serve")

    async def busy() -> bool:
        stats = await asyncio.to_thread(lambda: handle.stats.remote().result(timeout_s=30))
        return bool(stats.running >= 2)

    load = [asyncio.create_task(speak(client, LONG, seed)) for seed in range(2)]
    begun = asyncio.Event()
    streamed = asyncio.create_task(stream(client, begun))
    await until(busy, "two takes are in the engine")
    async with asyncio.timeout(60):
        await begun.wait()
    tell("the first GPU node goes")
    await asyncio.to_thread(nodes.remove_node, first, False)
    async with asyncio.timeout(120):
        found["in mid-load"] = [outcome(answer) for answer in await asyncio.gather(*load)]
        tell("answers are there")
        found["streamed"] = [(await streamed)[0], (await streamed)[-1]]
        found["afterwards"] = outcome(await speak(client, "Hello again.", 2))
    tell("done")
    return found


async def main(folder: Path) -> None:
    write_llasa(folder / "llasa", end_bias=0)
    write_xcodec2(folder / "xcodec2")
    os.environ.update(
        PROFILE="nano",
        LLASA_MODEL_PATH=str(folder / "llasa"),
        XCODEC_MODEL_PATH=str(folder / "xcodec2"),
        MODELS_CACHE_DIR=str(folder / "cache"),
        MAX_TEXT_LENGTH="2000",
        OUTPUTS_DIR="",
    )
    port = free_port()
    with cluster(port) as nodes:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=180) as client:
            found = await story(nodes, client)
    print(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
