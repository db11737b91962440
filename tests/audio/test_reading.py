"""Files of people, each of a kind that was once refused or heard wrong."""

import io
import struct
import wave
from fractions import Fraction

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from deployments.audio.clip import AudioReader
from deployments.audio.reading import Findings, decoded, read_audio
from deployments.errors import InvalidAudio
from tests.audio.conftest import heard
from tests.support.clips import FORMATS, encode, level, mono, voice, wav_file
from tests.support.muxing import muxed


def several(wav: NDArray[np.float32], channels: int, rate: int = 16_000) -> bytes:
    """A WAV whose channels are all alike."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((channels, 2, rate, 0, "NONE", ""))
        writer.writeframes((np.repeat(wav, channels) * 32_767).astype("<i2").tobytes())
    return file.getvalue()


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 7, 8, 9, 16, 32])
def test_a_file_may_have_any_number_of_channels(channels: int) -> None:
    wav = decoded(several(voice(1.0), channels))
    assert len(wav) == 16_000
    assert level(wav) == pytest.approx(level(voice(1.0)), rel=0.02)


@pytest.mark.parametrize("other", [44_100, 48_000, 22_050])
async def test_a_rate_that_changes_midway_is_followed(reader: AudioReader, other: int) -> None:
    parts = [muxed("mp3", "libmp3lame", rate, "mono", [[(0.0, mono(2.0, rate))]]) for rate in (24_000, other)]
    file = b"".join(parts)
    assert len((await heard(reader, file))[0]) == pytest.approx(64_000, abs=3_200)
    assert len((await reader.clip(file, "audio")).wav) == pytest.approx(64_000, abs=3_200)


@pytest.mark.parametrize("junk", [b"by nobody\n", b"\x00" * 5_000, b"TAG" + b" " * 125], ids=["text", "zeros", "ID3"])
async def test_what_follows_the_audio_is_left_out(reader: AudioReader, junk: bytes) -> None:
    wav, warnings = await heard(reader, encode(voice(2.0, 44_100), "mp3") + junk)
    assert len(wav) == pytest.approx(32_000, abs=1_600)
    assert all("Damaged packets" in warning for warning in warnings)


@pytest.mark.parametrize("name", ["mp3", "aac", "flac", "ogg"])
async def test_damage_in_the_middle_costs_what_is_damaged_only(reader: AudioReader, name: str) -> None:
    file = bytearray(encode(voice(4.0, FORMATS[name][2]), name))
    middle = len(file) // 2
    file[middle : middle + 300] = bytes(300)
    wav, _ = await heard(reader, bytes(file))
    assert len(wav) == pytest.approx(64_000, abs=9_600)


def test_gaps_in_the_timestamps_are_silent() -> None:
    file = muxed("mp4", "aac", 16_000, "mono", [[(0.0, mono(1.024, 16_000)), (3.0, mono(1.024, 16_000))]])
    wav = decoded(file)
    assert len(wav) == pytest.approx(64_000, abs=3_200)
    assert level(wav[24_000:40_000]) < 1e-3
    assert level(wav[2_000:14_000]) > 0.03
    assert level(wav[50_000:62_000]) > 0.03


@pytest.mark.parametrize("container_format", ["mp4", "matroska", "mpegts", "avi"])
def test_audio_that_starts_after_the_picture_is_heard_at_its_time(container_format: str) -> None:
    file = muxed(container_format, "libmp3lame", 16_000, "mono", [[(1.0, mono(2.016, 16_000))]], picture=True)
    wav = decoded(file)
    sounding = np.flatnonzero(np.abs(wav) > 0.05)[0] / 16_000
    if container_format == "avi":  # its audio has no times of its own
        assert sounding < 0.5
    else:
        assert sounding == pytest.approx(1.05, abs=0.15)


@pytest.mark.parametrize("container_format", ["mp4", "matroska"])
async def test_a_picture_track_costs_no_audio(reader: AudioReader, container_format: str) -> None:
    tracks = [[(0.0, mono(2.048, 16_000))]]
    alone, _ = await heard(reader, muxed(container_format, "aac", 16_000, "mono", tracks))
    beside, _ = await heard(reader, muxed(container_format, "aac", 16_000, "mono", tracks, picture=True))
    assert np.array_equal(beside, alone)


async def test_tracks_of_other_kinds_are_passed_over_in_the_sandbox(reader: AudioReader) -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        subtitles = container.add_stream("subrip")
        subtitles.codec_context.subtitle_header = (
            b"[Script Info]\n[V4+ Styles]\nFormat: Name\nStyle: Default\n[Events]\n"
        )
        audio = container.add_stream("pcm_s16le", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray((voice(1.0)[None] * 32_767).astype("<i2"), "s16", "mono")
        frame.sample_rate = 16_000
        line = av.Packet(b"Hello")
        line.stream, line.pts, line.dts, line.duration, line.time_base = subtitles, 0, 0, 1_000, Fraction(1, 1_000)
        container.mux([line, *audio.encode(frame), *audio.encode(None)])
    wav, warnings = await heard(reader, file.getvalue())
    assert len(wav) == 16_000
    assert warnings == ()


def test_files_in_a_row_whose_clocks_start_anew_are_all_heard() -> None:
    file = muxed("mpegts", "aac", 16_000, "mono", [[(0.0, mono(2.048, 16_000))]])
    assert len(decoded(file * 3)) == pytest.approx(3 * len(decoded(file)), abs=1_600)


@pytest.mark.parametrize(
    ("codec", "rates", "channels"),
    [
        ("libopus", (48_000, 48_000), (1, 1)),
        ("libopus", (48_000, 48_000), (1, 2)),
        ("flac", (16_000, 16_000), (1, 1)),
        ("flac", (16_000, 48_000), (1, 2)),
    ],
)
def test_chained_ogg_is_heard_to_its_end(codec: str, rates: tuple[int, int], channels: tuple[int, int]) -> None:
    layouts = {1: "mono", 2: "stereo"}
    links = [
        muxed("ogg", codec, rate, layouts[count], [[(0.0, np.repeat(mono(2.0, rate), count, axis=0))]])
        for rate, count in zip(rates, channels, strict=True)
    ]
    assert len(decoded(b"".join(links))) == pytest.approx(64_000, abs=6_400)


async def test_a_chain_whose_later_link_is_broken_is_read_as_far_as_it_goes(reader: AudioReader) -> None:
    link = muxed("ogg", "flac", 16_000, "mono", [[(0.0, mono(2.048, 16_000))]])
    wav, (warning,) = await heard(reader, link + link[:60])
    assert len(wav) == pytest.approx(32_768, abs=1_600)
    assert "what follows cannot be read" in warning


async def test_a_false_duration_of_a_packet_does_not_count(reader: AudioReader) -> None:
    # FFmpeg gives the last packet of a Vorbis file that ends within it 2**32 - 1 ticks and the like.
    wav, warnings = await heard(reader, encode(voice(1.0, 44_100), "ogg vorbis"))
    assert len(wav) == pytest.approx(16_000, abs=1_600)
    assert warnings == ()


def test_the_first_track_that_has_sound_is_heard() -> None:
    silence = np.zeros((1, 32_768), np.float32)
    file = muxed("matroska", "flac", 16_000, "mono", [[(0.0, silence)], [(0.0, mono(2.048, 16_000))]])
    assert level(decoded(file)) > 0.03
    quiet = muxed("matroska", "flac", 16_000, "mono", [[(0.0, silence)], [(0.0, silence)]])
    assert level(decoded(quiet)) == 0


def test_channels_of_opposite_phase_do_not_cancel_each_other() -> None:
    wav = voice(2.0)
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((2, 2, 16_000, 0, "NONE", ""))
        writer.writeframes((np.stack([wav, -wav], axis=1).ravel() * 32_767).astype("<i2").tobytes())
    assert level(decoded(file.getvalue())) == pytest.approx(level(wav), rel=0.05)


def test_the_centre_of_surround_sound_counts_as_ffmpeg_has_it() -> None:
    channels = np.zeros((6, 32_768), np.float32)
    channels[2] = voice(2.048)
    centre = decoded(muxed("matroska", "flac", 16_000, "5.1", [[(0.0, channels)]]))
    channels[[2, 0]] = channels[[0, 2]]
    left = decoded(muxed("matroska", "flac", 16_000, "5.1", [[(0.0, channels)]]))
    assert level(centre) / level(left) == pytest.approx(np.sqrt(2), rel=0.02)


@pytest.mark.parametrize("size", [0, 0x7FFF_FFFF, 0xFFFF_FFFF, 0xFFFF_FFF0 & ~1, 0x7FFF_F000])
async def test_a_wav_whose_header_knows_no_length_is_read_whole(reader: AudioReader, size: int) -> None:
    file = bytearray(wav_file(voice(1.0)))
    file[4:8] = file[40:44] = struct.pack("<I", size)
    clip = await reader.clip(bytes(file), "audio")
    assert len(clip.wav) == 16_000
    assert clip.warnings == ()


def test_what_is_found_is_known_before_the_first_piece() -> None:
    findings = Findings()
    pieces = read_audio(io.BytesIO(wav_file(voice(3.0))), 10, findings)
    next(pieces)
    assert (findings.container, findings.codec) == ("wav", "pcm_s16le")
    assert findings.declared == pytest.approx(3.0)
    pieces.close()


def test_reading_stops_once_the_clip_is_too_long() -> None:
    class Counting(io.BytesIO):
        taken = 0

        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            self.taken += len(data)
            return data

    file = Counting(wav_file(voice(60.0)))
    with pytest.raises(InvalidAudio, match="longer than 1 s"):
        list(read_audio(file, 1, Findings()))
    assert file.taken < len(file.getvalue()) / 4


async def test_a_long_recording_comes_in_blocks_that_are_cut_in_pauses(reader: AudioReader) -> None:
    said = [voice(2.0), np.zeros(16_000, np.float32)] * 200
    said[-1] = voice(1.0)
    file = wav_file(np.concatenate(said))
    async with reader.recording(file, "file") as recording:
        blocks = [block async for block in recording.blocks()]
    assert sum(map(len, blocks)) == 600 * 16_000
    assert all(len(block) <= 240 * 16_000 for block in blocks)
    assert len(blocks) == 3
    for block in blocks[:-1]:
        assert level(block[-1_600:]) < 1e-3
