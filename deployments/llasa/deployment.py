"""Llasa as a Serve deployment."""

from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from deployments.checkpoints import fetch_checkpoint
from deployments.gpu.loading import Loaded
from deployments.gpu.residency import record_load
from deployments.llasa.protocol import CodeChunk, EngineStats, TakeRequest
from deployments.profiles import Profile
from deployments.settings import Settings

if TYPE_CHECKING:
    from deployments.llasa.engine import Engine

_CHUNK = 25
"""Codes sent at once, half a second: each message between replicas costs about as much as a code."""


class LlasaDeployment:
    """One engine a replica."""

    def __init__(self, profile: Profile, settings: Settings) -> None:
        self._engine = Loaded(partial(_load, profile, settings), partial(record_load, "Llasa"))

    async def ready(self) -> None:
        await self._engine.ready()

    async def generate(self, request: TakeRequest) -> AsyncIterator[CodeChunk]:
        engine = await self._engine.ready()
        gathered: list[CodeChunk] = []
        async for chunk in engine.generate(request):
            gathered.append(chunk)
            if chunk.finish or sum(len(part.codes) for part in gathered) >= _CHUNK:
                yield CodeChunk(np.concatenate([part.codes for part in gathered]), chunk.finish)
                gathered.clear()

    async def stats(self) -> EngineStats:
        return await (await self._engine.ready()).stats()

    def check_health(self) -> None:
        if engine := self._engine.peek():
            engine.check_health()

    def __del__(self) -> None:
        if engine := self._engine.peek():
            engine.close()


def _load(profile: Profile, settings: Settings) -> "Engine":
    from deployments.llasa.checkpoint import load_checkpoint
    from deployments.llasa.engine import Engine

    checkpoint = load_checkpoint(str(fetch_checkpoint(profile.llasa, settings)), profile.device)
    return Engine(checkpoint, profile.takes)
