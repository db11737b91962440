"""Llasa asleep and awake again, on the tiny checkpoint."""

import asyncio
import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.errors import Unavailable
from deployments.llasa.checkpoint import CheckpointFolder, load_checkpoint
from deployments.llasa.engine import Engine
from deployments.llasa.protocol import Sampling, TakeRequest
from deployments.llasa.sleeper import SleepingLlasa
from deployments.placement.host_copy import HostCopy


@pytest.fixture
def llasa(tiny_llasa: Path) -> Iterator[SleepingLlasa]:
    llasa = SleepingLlasa(CheckpointFolder(str(tiny_llasa)), 4)
    yield llasa
    llasa.engine.close()


async def codes(engine: Engine, seed: int = 1, count: int = 30) -> list[int]:
    request = TakeRequest("Hello there.", sampling=Sampling(seed=seed), min_codes=count, max_codes=count)
    return [code async for chunk in engine.generate(request) for code in chunk.codes.tolist()]


async def test_a_woken_llasa_speaks_the_same_codes(llasa: SleepingLlasa) -> None:
    before = await codes(llasa.engine)
    for _ in range(2):
        llasa.prepare()
        llasa.sleep()
        llasa.wake(4)
        assert await codes(llasa.engine) == before


async def test_sleep_frees_weights_and_cache_at_once(llasa: SleepingLlasa) -> None:
    await codes(llasa.engine)
    slots = llasa.engine._scheduler._slots
    held = [weakref.ref(one) for one in (llasa.engine, slots._llama.cache._all, slots._llama._weights.embedding)]
    del slots
    gc.disable()  # after a load, the collector skips what lives then
    try:
        await asyncio.to_thread(llasa.sleep)
        assert [one() for one in held] == [None] * 3
    finally:
        gc.enable()
        llasa.wake(4)


def test_a_llasa_whose_files_are_gone_wakes_when_they_are_back(llasa: SleepingLlasa, tiny_llasa: Path) -> None:
    weights, away = tiny_llasa / "model.safetensors", tiny_llasa / "model.away"
    llasa.sleep()
    weights.rename(away)
    try:
        with pytest.raises(Unavailable, match="cannot be loaded"):
            llasa.wake(4)
        llasa.check_health()
    finally:
        away.rename(weights)
    llasa.wake(4)


def test_a_host_copy_holds_all_weights_that_a_gpu_has(tiny_llasa: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deployments.llasa.linear.has_half_kernels", lambda: False)
    weights = load_checkpoint(str(tiny_llasa)).weights
    layers = weights.layers[0]
    expected = {weights.embedding.data_ptr(), weights.norm.data_ptr(), layers.mlp_norm.data_ptr()}
    held = weights.tensors()
    assert expected <= {tensor.data_ptr() for tensor in held}
    assert len(held) == 2 + 6 * len(weights.layers) + 1
    before = [tensor.clone() for tensor in held]
    copy = HostCopy(held)
    copy.free()
    assert {tensor.untyped_storage().nbytes() for tensor in held} == {0}
    copy.restore()
    assert all((tensor == own).all() for tensor, own in zip(held, before, strict=True))
