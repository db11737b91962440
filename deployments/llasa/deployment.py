"""Llasa as a Serve deployment."""

import json
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from ray.serve import metrics

from deployments.cache_metrics import HITS, MISSES
from deployments.checkpoints import fetch_checkpoint
from deployments.llasa.protocol import CodeChunk, EngineStats, TakeRequest
from deployments.log import log_beside_serve
from deployments.placement.choice import usable
from deployments.placement.devices import Gpu, NvmlReader
from deployments.placement.gpu_loader import load_onto_gpu
from deployments.placement.lease import Leases
from deployments.placement.memory import LlamaShape, MemoryPlan
from deployments.placement.model_loader import ModelLoader
from deployments.placement.placement import Placement
from deployments.profiles import Profile
from deployments.residency.policy import assigned_gpus, record_load
from deployments.settings import Settings

if TYPE_CHECKING:
    from deployments.llasa.engine import Engine


logger = logging.getLogger(__name__)


class LlasaDeployment:
    """One engine per replica."""

    def __init__(self, profile: Profile, settings: Settings) -> None:
        log_beside_serve()
        self._profile = profile
        self._settings = settings
        self._placement: Placement | None = None
        self._folder: Path | None = None
        self._engine = ModelLoader(self._load, self._record)
        self._prompts = _PromptCache()

    async def ready(self) -> None:
        await self._engine.ready()

    async def generate(self, request: TakeRequest) -> AsyncIterator[CodeChunk]:
        engine = await self._engine.ready()
        async with aclosing(engine.generate(request)) as chunks:
            async for chunk in chunks:
                yield chunk
        self._prompts.report(await engine.stats())

    async def stats(self) -> EngineStats:
        return await (await self._engine.ready()).stats()

    def check_health(self) -> None:
        self._engine.check_health()
        if engine := self._engine.peek():
            engine.check_health()

    def __del__(self) -> None:
        if engine := self._engine.peek():
            engine.close()

    def _load(self) -> "Engine":
        self._folder = folder = fetch_checkpoint(self._profile.llasa, self._settings)
        if self._profile.device == "cpu":
            return _start_engine(folder, self._profile, self._profile.takes)
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        shape = LlamaShape.of(config, self._profile.weights)
        shared = self._profile.llasa_gpus < 1

        def load(gpu: Gpu | None) -> "Engine":
            takes = self._profile.takes
            if gpu:
                room = usable(gpu, Leases().held())
                plan = MemoryPlan.fit(room, shape, takes, self._profile.name, shared=shared)
                logger.info("%s: %s", self._profile.name, plan)
                takes = plan.takes
            return _start_engine(folder, self._profile, takes)

        engine, self._placement = load_onto_gpu(
            "Llasa", self._profile.llasa_gpus, shape.replica(1), load, NvmlReader(), assigned=assigned_gpus()
        )
        return engine

    def _record(self, seconds: float, failure: str | None) -> None:
        record_load("Llasa", seconds, failure, self._folder, self._placement.uuid if self._placement else None)


class _PromptCache:
    """Reports how much of the prompts the engine found in its cache."""

    def __init__(self) -> None:
        self._metrics = [metric.of(metrics) for metric in (HITS, MISSES)]
        self._reported = [0, 0]

    def report(self, stats: EngineStats) -> None:
        """Reports the increase since the last call."""
        totals = stats.prompt_tokens - stats.prefilled_tokens, stats.prefilled_tokens
        for n, total in enumerate(totals):
            # Hits dip while a prompt is being read, and catch up afterwards.
            if total > self._reported[n]:
                self._metrics[n].inc(total - self._reported[n], {"cache": "prompts"})
                self._reported[n] = total


def _start_engine(folder: Path, profile: Profile, takes: int) -> "Engine":
    from deployments.llasa.checkpoint import load_checkpoint
    from deployments.llasa.engine import Engine

    checkpoint = load_checkpoint(
        str(folder), profile.device, profile.weights, system=profile.system, normaliser=profile.normaliser
    )
    return Engine.fitting(checkpoint, takes)
