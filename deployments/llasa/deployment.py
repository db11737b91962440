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
from deployments.placement.gpu_loader import load_onto_gpu, sleep_on_gpu, wake_on_gpu
from deployments.placement.lease import Leases
from deployments.placement.memory import LlamaShape, MemoryPlan
from deployments.placement.model_loader import LoadEvent, ModelLoader
from deployments.placement.placement import Placement
from deployments.profiles import Profile
from deployments.residency.replica import assigned_gpus, follow_policy, record_event
from deployments.settings import Settings

if TYPE_CHECKING:
    from deployments.llasa.sleeper import SleepingLlasa


logger = logging.getLogger(__name__)


class LlasaDeployment:
    """One engine per replica."""

    def __init__(self, profile: Profile, settings: Settings) -> None:
        log_beside_serve()
        self._profile = profile
        self._settings = settings
        self._placement: Placement | None = None
        self._folder: Path | None = None
        self._prompts = _PromptCacheMetrics()
        self._llasa = ModelLoader(
            self._load,
            self._record,
            prepare=lambda llasa: llasa.prepare(),
            sleep=self._sleep,
            wake=self._wake,
        )
        self._follower = follow_policy("Llasa", self._llasa)

    async def ready(self) -> None:
        async with self._llasa.use():
            pass

    async def generate(self, request: TakeRequest) -> AsyncIterator[CodeChunk]:
        async with self._llasa.use() as llasa, aclosing(llasa.engine.generate(request)) as chunks:
            async for chunk in chunks:
                yield chunk
            self._prompts.report(await llasa.engine.stats())

    async def stats(self) -> EngineStats:
        async with self._llasa.use() as llasa:
            return await llasa.engine.stats()

    def check_health(self) -> None:
        self._llasa.check_health()
        if llasa := self._llasa.peek():
            llasa.check_health()

    def __del__(self) -> None:
        self._follower.close()
        if llasa := self._llasa.peek():
            llasa.engine.close()

    def _load(self) -> "SleepingLlasa":
        from deployments.llasa.checkpoint import CheckpointFolder
        from deployments.llasa.sleeper import SleepingLlasa

        profile = self._profile
        self._folder = folder = fetch_checkpoint(profile.llasa, self._settings)

        def load(gpu: Gpu | None) -> SleepingLlasa:
            return SleepingLlasa(CheckpointFolder.of(profile, folder), self._takes(gpu))

        if profile.device == "cpu":
            return load(None)
        need = self._shape().replica(1)
        llasa, self._placement = load_onto_gpu(
            "Llasa", profile.llasa_gpus, need, load, NvmlReader(), assigned=assigned_gpus()
        )
        return llasa

    def _sleep(self, llasa: "SleepingLlasa") -> None:
        llasa.sleep()
        sleep_on_gpu(self._placement)

    def _wake(self, llasa: "SleepingLlasa") -> None:
        self._prompts.restart()
        wake_on_gpu(self._placement, lambda gpu: llasa.wake(self._takes(gpu)), NvmlReader())

    def _takes(self, gpu: Gpu | None) -> int:
        """Returns how many takes to have at once, with the memory that the GPU has now."""
        if gpu is None:
            return self._profile.takes
        shared = self._profile.llasa_gpus < 1
        room = usable(gpu, Leases().held())
        plan = MemoryPlan.fit(room, self._shape(), self._profile.takes, self._profile.name, shared=shared)
        logger.info("%s: %s", self._profile.name, plan)
        return plan.takes

    def _shape(self) -> LlamaShape:
        assert self._folder  # noqa: S101 - as fetched
        config = json.loads((self._folder / "config.json").read_text(encoding="utf-8"))
        return LlamaShape.of(config, self._profile.weights)

    def _record(self, event: LoadEvent) -> None:
        record_event("Llasa", event, self._folder, self._placement.uuid if self._placement else None)


class _PromptCacheMetrics:
    """Reports how much of the prompts the engine found in its cache."""

    def __init__(self) -> None:
        self._metrics = [metric.of(metrics) for metric in (HITS, MISSES)]
        self._reported = [0, 0]

    def restart(self) -> None:
        """Makes the next report one of an engine that has just begun to count."""
        self._reported = [0, 0]

    def report(self, stats: EngineStats) -> None:
        """Reports the increase since the last call."""
        totals = stats.prompt_tokens - stats.prefilled_tokens, stats.prefilled_tokens
        for n, total in enumerate(totals):
            # Hits dip while a prompt is being read, and catch up afterwards.
            if total > self._reported[n]:
                self._metrics[n].inc(total - self._reported[n], {"cache": "prompts"})
                self._reported[n] = total
