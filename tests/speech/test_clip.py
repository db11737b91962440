import io
from dataclasses import replace

import numpy as np
import pytest

from deployments.errors import InvalidAudio
from deployments.speech.clip import ClipLimits, read_clip
from tests.clips import FORMATS, encode, voice, wav_file

LIMITS = ClipLimits(0.5, 20)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_heard_alike_at_16_khz(name: str) -> None:
    rate = FORMATS[name][2]
    heard = read_clip(encode(voice(2.0, rate), name), LIMITS)
    expected = voice(2.0)
    assert heard.dtype == np.float32
    assert abs(len(heard) - len(expected)) < 1_600  # lossy formats pad their frames
    lag = np.argmax(np.correlate(heard[:8_000], expected[400:7_600], "valid"))
    aligned = heard[lag : lag + 7_200]
    assert np.corrcoef(aligned, expected[400:7_600])[0, 1] > 0.95
    assert 0.8 < np.abs(heard).max() / np.abs(expected).max() < 1.25


def test_a_stream_whose_wav_header_knows_no_length_is_read_whole() -> None:
    file = bytearray(wav_file(voice(1.0)))
    file[4:8] = file[40:44] = b"\xff" * 4
    assert len(read_clip(bytes(file), LIMITS)) == 16_000


@pytest.mark.parametrize("name", ["aac", "mp3"])
def test_a_clip_that_begins_quietly_is_whole(name: str) -> None:
    # By the bit rate of its beginning such a file would be twice as long as it is.
    quiet = np.concatenate([np.zeros(3 * 44_100, np.float32), voice(3.0, 44_100)])
    assert len(read_clip(encode(quiet, name), LIMITS)) == pytest.approx(6 * 16_000, abs=1_600)


def test_files_are_read_from_open_file_objects_too() -> None:
    assert len(read_clip(io.BytesIO(wav_file(voice(1.0))), LIMITS)) == 16_000


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (b"", "The file is empty."),
        (b"This is a text, whatever its name says.\n" * 40, "cannot be read as audio"),
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
def test_what_is_no_usable_clip_is_refused_with_its_reason(file: bytes, message: str) -> None:
    with pytest.raises(InvalidAudio, match=message) as caught:
        read_clip(file, LIMITS, "audio")
    assert caught.value.param == "audio"


def test_a_file_without_sound_is_refused() -> None:
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
        read_clip(file.getvalue(), LIMITS)


def test_reading_stops_once_the_clip_is_too_long() -> None:
    class Counting(io.BytesIO):
        taken = 0

        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            self.taken += len(data)
            return data

    file = Counting(wav_file(voice(60.0)))
    with pytest.raises(InvalidAudio, match="longer than 1 s"):
        read_clip(file, replace(LIMITS, longest=1))
    assert file.taken < len(file.getvalue()) / 4
