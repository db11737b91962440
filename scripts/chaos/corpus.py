"""A second of speech in every container and codec that the installed ffmpeg can write."""

import subprocess
import tempfile
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from scripts.chaos.case import speak

_PICTURES: Final = "-f lavfi -i testsrc=size=64x64:rate=25:duration=1"
_VIDEO: Final = f"{_PICTURES} -map 0:a -map 1:v -c:v mpeg4"
_TWO_TRACKS: Final = "-map 0:a -map 0:a -c:a:0 pcm_s16le -c:a:1 flac"

KINDS: Final[dict[str, str]] = {
    "u8.wav": "-c:a pcm_u8",
    "s16.wav": "-c:a pcm_s16le",
    "s24.wav": "-c:a pcm_s24le",
    "f32.wav": "-c:a pcm_f32le",
    "alaw.wav": "-c:a pcm_alaw",
    "mulaw.wav": "-c:a pcm_mulaw",
    "adpcm-ms.wav": "-c:a adpcm_ms",
    "adpcm-ima.wav": "-c:a adpcm_ima_wav",
    "gsm.wav": "-ar 8000 -c:a libgsm_ms",
    "g722.wav": "-ar 16000 -c:a g722",
    "mp3.wav": "-c:a libmp3lame",
    "stereo-48k.wav": "-ac 2 -ar 48000 -c:a pcm_s16le",
    "8-channels.wav": "-ac 8 -c:a pcm_s16le",
    "surround.flac": "-ac 6 -ar 48000 -c:a flac",
    "rf64.wav": "-rf64 always -c:a pcm_s16le",
    "pcm.w64": "-c:a pcm_s16le",
    "pcm.aiff": "-c:a pcm_s16be",
    "pcm.caf": "-c:a pcm_s16be",
    "alac.caf": "-c:a alac",
    "pcm.au": "-c:a pcm_s16be",
    "flac.flac": "-c:a flac",
    "vorbis.ogg": "-c:a libvorbis",
    "opus.ogg": "-c:a libopus",
    "flac.ogg": "-c:a flac",
    "speex.spx": "-ar 16000 -c:a libspeex",
    "opus.webm": "-c:a libopus",
    "vorbis.webm": "-c:a libvorbis",
    "flac.mka": "-c:a flac",
    "tracks.mkv": _TWO_TRACKS,
    "mp3.mp3": "-c:a libmp3lame",
    "mp2.mp2": "-c:a mp2",
    "adts.aac": "-c:a aac",
    "loas.latm": "-c:a aac -f latm",
    "aac.m4a": "-c:a aac",
    "alac.m4a": "-c:a alac",
    "fragments.m4a": "-c:a aac -movflags frag_keyframe+empty_moov -frag_duration 200000",
    "video.mp4": f"{_VIDEO} -c:a aac",
    "pcm.mov": "-c:a pcm_s16le",
    "aac.3gp": "-c:a aac",
    "video.avi": f"{_VIDEO} -c:a libmp3lame",
    "aac.ts": "-c:a aac",
    "mp2.vob": "-c:a mp2 -f vob",
    "mp3.flv": "-ar 22050 -c:a libmp3lame",
    "wmav2.wma": "-c:a wmav2",
    "ac3.ac3": "-c:a ac3",
    "eac3.eac3": "-c:a eac3",
    "dca.dts": "-ar 48000 -ac 2 -c:a dca -strict -2",
    "tta.tta": "-c:a tta",
    "wavpack.wv": "-c:a wavpack",
    "pcm.voc": "-c:a pcm_u8",
    "pcm.nut": "-c:a pcm_s16le",
    "mlp.mlp": "-ar 48000 -c:a mlp -strict -2",
    "truehd.thd": "-ar 48000 -c:a truehd -strict -2",
    "gsm.gsm": "-ar 8000 -c:a libgsm",
    "pcm.sox": "-c:a pcm_s32le",
    "pcm.mxf": f"{_PICTURES} -map 1:v -map 0:a -c:v mpeg2video -ar 48000 -c:a pcm_s16le",
    "ra144.rm": "-ar 8000 -c:a real_144",
    "pcm.ircam": "-c:a pcm_s16le -f ircam",
}
"""Names of files, and the arguments of ffmpeg for each."""


def corpus(kinds: Collection[str] = KINDS.keys()) -> dict[str, bytes]:
    """Files by name; without those that this ffmpeg cannot write."""
    speech = speak("Good morning.", "-s", "150")
    with tempfile.TemporaryDirectory(prefix="llasa-chaos-corpus-") as name, ThreadPoolExecutor(2) as pool:
        made = pool.map(lambda kind: _encoded(speech, kind, Path(name)), kinds)
        return {kind: data for kind, data in zip(kinds, made, strict=True) if data}


def _encoded(speech: bytes, kind: str, folder: Path) -> bytes:
    """Empty if ffmpeg cannot write it."""
    file = folder / kind
    exact = "-fflags +bitexact -flags +bitexact -map_metadata -1"  # the same bytes each time
    command = ["ffmpeg", "-v", "error", "-y", "-i", "-", *KINDS[kind].split(), *exact.split(), str(file)]
    done = subprocess.run(command, input=speech, capture_output=True, check=False)
    return file.read_bytes() if done.returncode == 0 and file.exists() else b""
