import io
import wave
from typing import get_args

import av
import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from deployments.audio.encoder import MEDIA_TYPES, Format, open_container, rate_of
from tests.support.clips import voice

FORMATS: tuple[Format, ...] = get_args(Format)


def written(wav: NDArray[np.float32], format: Format, rate: int, piece: int = 4_000, *, streamed: bool = True) -> bytes:
    container = open_container(format, rate, streamed=streamed)
    parts = [container.write(wav[at : at + piece]) for at in range(0, len(wav), piece)]
    return b"".join([*parts, container.close()])


def decoded(file: bytes, format: Format, rate: int) -> tuple[int, NDArray[np.float32]]:
    """Its rate, and [samples]."""
    if format == "pcm":
        return rate, (np.frombuffer(file, "<i2") / 32_768).astype(np.float32)
    with av.open(io.BytesIO(file)) as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler("flt", "mono")
        frames = [part for frame in container.decode(stream) for part in resampler.resample(frame)]
        return stream.rate, np.concatenate([frame.to_ndarray()[0] for frame in frames])


@pytest.mark.parametrize("rate", [16_000, 24_000, 48_000])
@pytest.mark.parametrize("format", FORMATS)
def test_every_format_decodes_to_the_right_rate_duration_and_sound(format: Format, rate: int) -> None:
    wav = voice(2.0)
    assert rate_of(format, rate) == (
        48_000 if format == "opus" else max(rate, 22_050) if format in ("mp3", "aac") else rate
    )
    heard_rate, heard = decoded(written(wav, format, rate), format, rate)
    assert heard_rate == rate_of(format, rate)
    assert len(heard) / heard_rate == pytest.approx(2.0, abs=0.1)
    wanted = soxr.resample(wav, 16_000, heard_rate)
    # Codecs delay and colour; that it is the same sound is told by the best match among the shifts.
    shifts = range(0, heard_rate // 10, 2)
    match = max(_likeness(heard[shift:], wanted) for shift in shifts)
    assert match > 0.98


def _likeness(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    length = min(len(one), len(other))
    one, other = one[:length], other[:length]
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other) + 1e-9))


@pytest.mark.parametrize("format", FORMATS)
def test_a_stream_decodes_to_the_samples_of_the_whole_file_however_it_was_cut(format: Format) -> None:
    wav = voice(1.3)
    whole = decoded(written(wav, format, 24_000, len(wav), streamed=False), format, 24_000)[1]
    for piece in (320, 7_919):
        np.testing.assert_array_equal(decoded(written(wav, format, 24_000, piece), format, 24_000)[1], whole)


@pytest.mark.parametrize("format", FORMATS)
def test_bytes_come_while_samples_do(format: Format) -> None:
    container = open_container(format, 24_000)
    wav = voice(3.0)
    sizes = [len(container.write(wav[at : at + 8_000])) for at in range(0, len(wav), 8_000)]
    assert all(sizes[1:]), sizes
    assert len(container.close()) < sum(sizes)


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_that_is_not_streamed_comes_at_its_end(format: Format) -> None:
    container = open_container(format, 24_000, streamed=False)
    assert container.write(voice(1.0)) == b""
    assert len(container.close()) > 1_000


def test_a_streamed_wav_has_unknown_sizes_and_a_whole_one_true_ones() -> None:
    streamed = written(voice(1.0), "wav", 16_000)
    assert streamed[4:8] == streamed[40:44] == b"\xff" * 4
    whole = written(voice(1.0), "wav", 16_000, streamed=False)
    assert int.from_bytes(whole[4:8], "little") == len(whole) - 8
    with wave.open(io.BytesIO(whole)) as reader:
        assert (reader.getnframes(), reader.getframerate(), reader.getnchannels()) == (16_000, 16_000, 1)
    assert whole[44:] == streamed[44:]


def test_a_whole_flac_tells_its_length() -> None:
    with av.open(io.BytesIO(written(voice(1.5), "flac", 24_000, streamed=False))) as container:
        assert container.duration == 1_500_000


def test_resampling_piece_by_piece_gives_what_resampling_at_once_does() -> None:
    wav = voice(1.0)
    at_once = soxr.resample(wav, 16_000, 44_100, quality="HQ")
    pieces = np.frombuffer(written(wav, "pcm", 44_100, 777), "<i2")
    assert len(pieces) == len(at_once)
    np.testing.assert_allclose(pieces / 32_767, at_once, atol=1e-4)


def test_what_lies_beyond_full_scale_is_clipped() -> None:
    samples = np.frombuffer(written(np.asarray([2, -2, 0], np.float32), "pcm", 16_000), "<i2")
    assert samples.tolist() == [32_767, -32_767, 0]


@pytest.mark.parametrize(("format", "asked", "given"), [("mp3", 8_000, 22_050), ("aac", 30_000, 32_000)])
def test_a_rate_that_a_format_has_not_becomes_the_next_above(format: Format, asked: int, given: int) -> None:
    file = written(voice(1.0), format, asked)
    assert decoded(file, format, asked)[0] == rate_of(format, asked) == given


@pytest.mark.parametrize("format", FORMATS)
def test_no_samples_at_all_make_a_file_without_a_fault(format: Format) -> None:
    assert open_container(format, 24_000).close() is not None


def test_every_format_has_a_media_type() -> None:
    assert set(MEDIA_TYPES) == set(FORMATS)
