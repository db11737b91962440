"""What a file must be to lend its voice."""

import io
import tempfile
from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from deployments.audio.clip import AudioReader, ReferenceClip
from deployments.audio.decoder import Decoder
from deployments.errors import InvalidAudio
from tests.audio.conftest import heard, settings
from tests.support.clips import FORMATS, encode, voice, wav_file

Read = Callable[[bytes], Awaitable[ReferenceClip]]


@pytest.mark.parametrize("name", FORMATS)
async def test_every_format_is_heard_alike_at_16_khz(read: Read, name: str) -> None:
    rate = FORMATS[name][2]
    wav = (await read(encode(voice(2.0, rate), name))).wav
    expected = voice(2.0)
    assert wav.dtype == np.float32
    assert abs(len(wav) - len(expected)) < 1_600  # lossy formats pad their frames
    lag = np.argmax(np.correlate(wav[:8_000], expected[400:7_600], "valid"))
    aligned = wav[lag : lag + 7_200]
    assert np.corrcoef(aligned, expected[400:7_600])[0, 1] > 0.95
    assert 0.8 < np.abs(wav).max() / np.abs(expected).max() < 1.25


@pytest.mark.parametrize("name", ["aac", "mp3"])
async def test_a_clip_that_begins_quietly_is_whole(read: Read, name: str) -> None:
    # By the bit rate of its beginning such a file would be twice as long as it is.
    quiet = np.concatenate([np.zeros(3 * 44_100, np.float32), voice(3.0, 44_100)])
    clip = await read(encode(quiet, name))
    assert len(clip.wav) == pytest.approx(6 * 16_000, abs=1_600)
    assert clip.warnings == ()


@pytest.mark.parametrize("rolled", [False, True], ids=["in memory", "on disk"])
async def test_uploads_are_read_from_where_they_are(reader: AudioReader, rolled: bool) -> None:
    with tempfile.SpooledTemporaryFile(max_size=1_000_000) as upload:
        upload.write(wav_file(voice(1.0)))
        if rolled:
            upload.rollover()
        assert len((await reader.clip(upload, "audio")).wav) == 16_000
        assert upload.tell() >= 0  # it is still open


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (b"", "The file is empty."),
        (b"This is a text, whatever its name says.\n" * 40, "cannot be read as audio: it is text"),
        (b"RIFF\x00\x00", "cannot be read as audio"),
        (encode(voice(3.0, 44_100), "mp3")[:20_000], "The file is cut off: it should last 3.0"),
        (encode(voice(3.0, 44_100), "m4a")[:20_000], "cannot be read as audio"),
        (encode(voice(3.0, 48_000), "flac")[:2_000], "cannot be read as audio"),
        (wav_file(voice(0.1)), "The clip lasts 0.10 s: at least 0.5 s are needed."),
        (wav_file(np.zeros(32_000, np.float32)), "The clip is silent."),
        (wav_file(voice(20.5)), "The clip lasts longer than 20 s: cut it."),
        (encode(np.full(44_100, np.nan, np.float32), "wav float"), "samples that are not numbers"),
    ],
    ids=["empty", "text", "header only", "cut mp3", "cut m4a", "cut flac", "short", "silent", "long", "nan"],
)
async def test_what_is_no_usable_clip_is_refused_with_its_reason(read: Read, file: bytes, message: str) -> None:
    with pytest.raises(InvalidAudio, match=message) as caught:
        await read(file)
    assert caught.value.param == "audio"


async def test_a_file_without_sound_is_refused(read: Read) -> None:
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_stream("mjpeg", rate=5)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuvj420p"
        frame = av.VideoFrame(16, 16, "yuvj420p")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(InvalidAudio, match="holds no audio"):
        await read(file.getvalue())


async def test_what_is_louder_than_full_scale_is_scaled_down_not_clipped(read: Read) -> None:
    loud = 5 * voice(2.0, 22_050)
    wav = (await read(encode(loud, "wav float"))).wav
    assert np.abs(wav).max() == pytest.approx(1.0)
    assert np.mean(np.abs(wav) > 0.99) < 0.01


async def test_silence_and_a_tenth_of_a_second_may_be_transcribed(decoder: Decoder) -> None:
    reader = AudioReader(decoder, settings())
    silence, warnings = await heard(reader, wav_file(np.zeros(32_000, np.float32)))
    assert len(silence) == 32_000
    assert not silence.any()
    assert warnings == ()
    assert len((await heard(reader, wav_file(voice(0.1))))[0]) == 1_600
    with pytest.raises(InvalidAudio, match=r"less than 0\.1 s"):
        await heard(reader, wav_file(voice(0.05)))


async def test_a_recording_that_is_cut_off_is_transcribed_with_a_warning(reader: AudioReader) -> None:
    wav, (warning,) = await heard(reader, encode(voice(3.0, 44_100), "mp3")[:20_000])
    assert len(wav) > 8_000
    assert warning.startswith("The file should last 3.0")
    assert warning.endswith("it may be cut off.")


@pytest.mark.parametrize("longest", [1, 400])
async def test_a_recording_that_is_too_long_is_refused(decoder: Decoder, longest: int) -> None:
    reader = AudioReader(decoder, settings(max_transcription_duration=longest))
    with pytest.raises(InvalidAudio, match=f"longer than {longest} s"):
        await heard(reader, wav_file(np.zeros((longest + 10) * 16_000, np.float32)))
