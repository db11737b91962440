"""XCodec2 asleep and awake again."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from deployments.placement.host_copy import HostCopy
from deployments.xcodec2.codec import Xcodec2Codec
from deployments.xcodec2.sleeper import SleepingCodec

CODES = np.arange(60, dtype=np.int32)
WAV = (0.1 * np.random.default_rng(1).standard_normal(16_000)).astype(np.float32)


@pytest.fixture
def codec(tiny_xcodec2: Path) -> Iterator[SleepingCodec]:
    codec = SleepingCodec(tiny_xcodec2, "cpu", 1)
    yield codec
    codec.batcher.close()


async def test_a_woken_codec_gives_the_same_bytes(codec: SleepingCodec) -> None:
    wav, codes = await codec.batcher.decode(CODES), await codec.batcher.encode(WAV)
    codec.prepare()
    codec.sleep()
    codec.wake()
    assert np.array_equal(await codec.batcher.decode(CODES), wav)
    assert np.array_equal(await codec.batcher.encode(WAV), codes)


def test_a_host_copy_of_all_weights_brings_the_codec_back(tiny_xcodec2: Path) -> None:
    codec = Xcodec2Codec.load(str(tiny_xcodec2))
    decoder = len(codec.tensors())
    codec.load_encoder()
    tensors = codec.tensors()
    assert len(tensors) > decoder
    before = codec.decode([CODES])[0], codec.encode(WAV)
    owned = [tensor.clone() for tensor in tensors]  # files that are mapped cannot be resized
    for tensor, own in zip(tensors, owned, strict=True):
        tensor.data = own
    copy = HostCopy(tensors)
    copy.free()
    assert {tensor.untyped_storage().nbytes() for tensor in tensors} == {0}
    copy.restore()
    assert np.array_equal(codec.decode([CODES])[0], before[0])
    assert np.array_equal(codec.encode(WAV), before[1])
