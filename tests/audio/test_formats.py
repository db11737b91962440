"""Containers that are read, and those that are refused."""

import pytest

from deployments.audio.clip import AudioReader
from deployments.errors import InvalidAudio
from tests.audio.conftest import heard
from tests.support.clips import level, mono, voice
from tests.support.muxing import muxed


@pytest.mark.parametrize(
    ("container_format", "codec"),
    [
        ("wv", "wavpack"),
        ("aiff", "pcm_s16be"),
        ("au", "pcm_mulaw"),
        ("caf", "alac"),
        ("w64", "pcm_s24le"),
        ("ac3", "ac3"),
        ("asf", "aac"),
        ("avi", "pcm_s16le"),
        ("flv", "libmp3lame"),
        ("mov", "aac"),
        ("mpegts", "mp2"),
        ("nut", "flac"),
        ("sox", "pcm_s32le"),
        ("eac3", "eac3"),
    ],
)
async def test_many_containers_and_codecs_are_read_in_the_sandbox(
    reader: AudioReader, container_format: str, codec: str
) -> None:
    file = muxed(container_format, codec, 44_100, "mono", [[(0.0, mono(2.0, 44_100))]])
    wav, warnings = await heard(reader, file)
    assert len(wav) == pytest.approx(32_000, abs=3_200)
    assert level(wav) == pytest.approx(level(voice(2.0)), rel=0.2)
    assert warnings == ()


@pytest.mark.parametrize(
    ("file", "found"),
    [
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "Virtual concatenation script"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n", "it is text"),
        (b"[playlist]\nFile1=http://127.0.0.1:9/a.mp3\nNumberOfEntries=1\n", "lyrics"),
        ("\ufeff<html><body>404 Nicht gefunden: \u00fcber uns</body></html>".encode(), "it is text"),
        (b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n", "SDP"),
        (
            b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="a" type="static"></MPD>',
            "it is text",
        ),
        (b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + bytes(100), "png"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(200), "jpeg|cannot be read"),
        (b"GIF89a\x10\x00\x10\x00\x80" + bytes(100), "GIF"),
        (b"PK\x03\x04" + bytes(200), "cannot be read"),
    ],
    ids=["ffconcat", "HLS", "PLS", "HTML", "SDP", "DASH", "PNG", "JPEG", "GIF", "zip"],
)
async def test_what_names_other_files_or_is_a_picture_is_refused_by_name(
    reader: AudioReader, file: bytes, found: str
) -> None:
    with pytest.raises(InvalidAudio, match=found):
        await heard(reader, file)
