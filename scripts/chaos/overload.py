"""Twice as many requests at once as the service admits."""

import asyncio
from typing import Final

from deployments.profiles import PROFILES
from deployments.settings import Settings
from scripts.bench.measurement import percentile
from scripts.chaos.case import Cases
from scripts.chaos.load import Load
from scripts.chaos.options import Options
from scripts.chaos.outcome import Outcome
from scripts.chaos.recovery import settled
from scripts.chaos.row import Row
from scripts.chaos.service import Service

_PAUSE_AFTER_429: Final = 1.0


async def overload(service: Service, options: Options) -> list[Row]:
    """Keeps twice the admitted number of requests at the service for some time."""
    cases = Cases()
    short = [cases.quick_speech, cases.quick_transcription]
    await service.warm()
    await service.learn(short, options.timeout)
    admitted = options.admitted or _admitted()
    row = Row("overload", before=service.resources())
    groups = [(2 * admitted, short)]
    async with Load(service.url, groups, service.expected, options.timeout, options.seed, _PAUSE_AFTER_429) as load:
        await asyncio.sleep(options.seconds)
    row.count(load.results)
    row.after = await settled(service)
    latencies = [result.latency for result in load.results if result.outcome is Outcome.RIGHT] or [0.0]
    statuses = [result.status or 0 for result in load.results]
    row.notes.append(
        f"{2 * admitted} clients for {admitted} places, {options.seconds:g} s: {statuses.count(429)} answers 429 with "
        f"Retry-After, {sum(status >= 500 for status in statuses)} answers 5xx; latency of the admitted p50 "
        f"{percentile(latencies, 50):.1f} s, p95 {percentile(latencies, 95):.1f} s, max {max(latencies):.1f} s."
    )
    if 429 not in statuses:
        row.violate("no request was refused: the service admits more than --admitted says")
    return [row]


def _admitted() -> int:
    """Returns how many requests run or wait at all ingress replicas, by the default settings of `nano`."""
    queued: int = Settings.model_fields["max_queued_requests"].default
    return PROFILES["nano"].takes + queued
