import asyncio

import pytest

from deployments.audio import decoding


@pytest.mark.parametrize(
    "said",
    [
        b"no JSON\n",
        b"[1]\n",
        b"{}\n",
        b'{"bytes": -1}\n',
        b'{"bytes": 1000000000000}\n',
        b'{"bytes": "many"}\n',
        b'{"bytes": 3}\nabc',
        b'{"bytes": 4}\n\xff\xff\xff\xff',
        b'{"ended": {"container": "wav", "other": 1}, "bytes": 0}\n',
        b"x" * 100_000,
    ],
)
async def test_a_decoder_that_a_file_controls_is_not_believed(said: bytes) -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(said)
    with pytest.raises(decoding._Failed, match="crash"):
        async with asyncio.timeout(10):
            await decoding._message(reader)
