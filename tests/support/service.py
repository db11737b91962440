"""The service on a real local Ray, as tests see it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from deployments.llasa.protocol import EngineStats
from deployments.settings import Settings
from tests.support.clips import voice, wav_file
from tests.support.ports import free_port

if TYPE_CHECKING:
    from ray.serve.handle import DeploymentHandle

LONG = "All work and no play, says the proverb."


@dataclass(frozen=True)
class Running:
    """The service under test."""

    url: str
    temp_dir: Path
    llasa: Path
    """The checkpoint of Llasa, which runs to its cap, so that takes last."""

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        async with httpx.AsyncClient(base_url=self.url, timeout=240) as client:
            yield client

    async def engine(self) -> EngineStats:
        stats: EngineStats = await asyncio.to_thread(lambda: self._engine.stats.remote().result(timeout_s=60))
        return stats

    @cached_property
    def _engine(self) -> "DeploymentHandle[Any]":
        """Made once and in no event loop: it asks Serve's controller, and waits for it as long as that takes."""
        from ray import serve

        return serve.get_deployment_handle("Llasa", "llasa-serve")

    async def models(self) -> dict[str, Any]:
        async with self.client() as client:
            models: dict[str, Any] = (await client.get("/api/gpu/status")).json()["models"]
        return models

    async def engine_has(self, running: int, within: float) -> None:
        """Returns once so many takes or more are in the engine: a speech may have several parts there."""
        async with asyncio.timeout(within):
            while (await self.engine()).running < running:
                await asyncio.sleep(0.02)

    async def engine_is_empty(self, within: float) -> None:
        async with asyncio.timeout(within):
            while (await self.engine()).running:
                await asyncio.sleep(0.02)


@contextmanager
def service(folder: Path) -> Iterator[Running]:
    """Starts all of the service in this process's own Ray, and ends it."""
    from cli.serve.config import read_config
    from cli.serve.local import deploy, stop, wait
    from scripts.random_checkpoints.llasa import write_llasa
    from scripts.random_checkpoints.whisper import write_whisper
    from scripts.random_checkpoints.xcodec2 import write_xcodec2

    write_llasa(folder / "llasa", end_bias=0)
    write_xcodec2(folder / "xcodec2")
    write_whisper(folder / "whisper")
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        profile="nano",
        api_port=free_port(),
        llasa_model_path=str(folder / "llasa"),
        xcodec_model_path=str(folder / "xcodec2"),
        whisper_model_path=str(folder / "whisper"),
        models_cache_dir=folder / "cache",
        voices_dir=folder / "voices",
        jobs_dir=folder / "jobs",
        temp_dir=folder / "temp",
        max_upload_mb=5,
        take_retries=0,
        reference_check="off",
        log_level="DEBUG",
        log_format="json",
        metrics_port=free_port(),
    )
    with pytest.MonkeyPatch.context() as patch:
        for name in Settings.model_fields:
            patch.setenv(name.upper(), "")  # what `deploy` sets is taken back, too
        try:
            deploy(settings, read_config(), print)
            wait(print)
            yield Running(f"http://127.0.0.1:{settings.api_port}", folder / "temp", folder / "llasa")
        finally:
            stop()


async def speak(client: httpx.AsyncClient, text: str, seed: int, rate: int = 16_000) -> httpx.Response:
    fields = {"target_text": text, "ref_text": "A reference.", "random_seed": str(seed), "sample_rate": str(rate)}
    return await client.post("/api/tts", files={"audio": wav_file(voice(1.5))}, data=fields)


async def ingresses() -> list[int]:
    """The processes of the ingress that are up."""
    replicas = (await serve_details())["applications"]["llasa-serve"]["deployments"]["Ingress"]["replicas"]
    return [replica["pid"] for replica in replicas if replica["state"] == "RUNNING"]


async def both_ingresses() -> list[int]:
    """The processes of the two ingress replicas, once both are up."""
    async with asyncio.timeout(60):
        while len(pids := await ingresses()) != 2:
            await asyncio.sleep(0.1)
    return pids


async def serve_details() -> dict[str, Any]:
    from ray.serve.context import _get_global_client

    client: Any = _get_global_client()
    details: dict[str, Any] = await asyncio.to_thread(client.get_serve_details)
    return details
