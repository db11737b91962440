"""Llasa as a Serve deployment."""

from collections.abc import AsyncIterator

import numpy as np

from deployments.checkpoints import fetch_checkpoint
from deployments.llasa.protocol import CodeChunk, EngineStats, TakeRequest
from deployments.profiles import Profile
from deployments.settings import Settings

_CHUNK = 25
"""Codes sent at once, half a second: each message between replicas costs about as much as a code."""


class LlasaDeployment:
    """One engine a replica."""

    def __init__(self, profile: Profile, settings: Settings) -> None:
        from deployments.llasa.checkpoint import load_checkpoint
        from deployments.llasa.engine import Engine

        checkpoint = load_checkpoint(str(fetch_checkpoint(profile.llasa, settings)), profile.device)
        self._engine = Engine(checkpoint, profile.takes)

    async def generate(self, request: TakeRequest) -> AsyncIterator[CodeChunk]:
        gathered: list[CodeChunk] = []
        async for chunk in self._engine.generate(request):
            gathered.append(chunk)
            if chunk.finish or sum(len(part.codes) for part in gathered) >= _CHUNK:
                yield CodeChunk(np.concatenate([part.codes for part in gathered]), chunk.finish)
                gathered.clear()

    async def stats(self) -> EngineStats:
        return await self._engine.stats()

    def check_health(self) -> None:
        self._engine.check_health()

    def __del__(self) -> None:
        if engine := getattr(self, "_engine", None):
            engine.close()
