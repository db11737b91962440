"""What the embedded default sounds like, for people to hear: `python -m scripts.samples CLIPS` writes docs/samples.

CLIPS are those of `scripts/people.py`: voices that no training heard. The page names the checkpoints that spoke.
"""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import numpy as np

from deployments.audio.trim import Edges
from deployments.llasa.protocol import Codes, Sampling
from deployments.nano.weights import FOLDER, version
from deployments.voices.cleaning import clean
from deployments.voices.shipped import shipped_voices
from scripts.eval_nano import Nano
from scripts.people import read
from scripts.train_nano.espeak import Audio

SAMPLES: Final = Path("docs/samples")
_BIT_RATE: Final = 32_000
_PLAIN: Final = "We walked through the garden after the rain."
_NAMES: Final = Path("scripts/texts/names.txt")
_HEAD: Final = """\
# What nano sounds like

Spoken on a CPU by `nano`, the embedded default, with `python -m scripts.samples CLIPS`: its Llasa {llasa} and
its XCodec2 {xcodec2}. Every row is the first take with its seed; none was chosen.
[What nano can do](../../deployments/nano/README.md) has the figures.
The clips are of Kokoro and flite, in voices that no training heard.
"""


@dataclass(frozen=True)
class Sample:
    name: str
    about: str
    text: str
    audio: Audio

    def __str__(self) -> str:
        file = f"{self.name}.mp3"
        return f'| {self.about} | [{self.text}]({file}) | <audio controls preload="none" src="{file}"></audio> |'


async def spoken(nano: Nano, text: str, ref_text: str, codes: Codes, seed: int) -> Audio:
    """What the service would send: the trimmed take."""
    take = await nano.speak(text, ref_text, codes, seed)
    edges = Edges()
    audio = edges.push(nano.decode(np.concatenate([codes, take.codes]), start=len(codes)))
    return np.concatenate([audio, edges.finish()])


async def built_in(nano: Nano) -> AsyncIterator[Sample]:
    voices = shipped_voices()
    for name, seed in (("alloy", 1), ("alloy", 2), ("onyx", 1), ("nova", 1), ("fable", 1)):
        audio = await spoken(nano, _PLAIN, voices[name].text, voices[name].codes, seed)
        yield Sample(f"{name}-{seed}", f"{name}, seed {seed}", _PLAIN, audio)
    for i, text in enumerate(_NAMES.read_text().splitlines()[:3], 1):
        audio = await spoken(nano, text, voices["nova"].text, voices["nova"].codes, 1)
        yield Sample(f"names-{i}", "nova, names and rare words", text, audio)


async def cloned(nano: Nano, clips: Path) -> AsyncIterator[Sample]:
    texts: dict[str, str] = json.loads((clips / "clips.json").read_text())
    for name in ("af_nicole", "am_fenrir", "flite-rms"):
        wave = clean(read(clips / f"{name}.wav")).wav
        yield Sample(f"{name}-clip", f"{name}: the clip", texts[name], wave)
        audio = await spoken(nano, _PLAIN, texts[name], nano.encode(wave), 1)
        yield Sample(name, f"{name}: what is said after it", _PLAIN, audio)


def compress(path: Path, audio: Audio) -> None:
    """As an MP3 of 4 KB a second, which every browser plays."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libmp3lame", rate=16_000, layout="mono")
        stream.bit_rate = _BIT_RATE
        pcm = (audio.clip(-1, 1) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(pcm[None], "s16", "mono")
        frame.sample_rate = 16_000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            file.mux(packet)


async def write(nano: Nano, clips: Path) -> None:
    SAMPLES.mkdir(exist_ok=True)
    page = [_HEAD.format(llasa=version("llasa"), xcodec2=version("xcodec2"))]
    for title, samples in (("Built-in voices", built_in(nano)), ("After a clip", cloned(nano, clips))):
        page += [f"## {title}\n", "| Voice | Text | |", "|---|---|---|"]
        async for sample in samples:
            compress(SAMPLES / f"{sample.name}.mp3", sample.audio)
            page.append(str(sample))
        page.append("")
    (SAMPLES / "index.md").write_text("\n".join(page))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.samples", description=__doc__)
    parser.add_argument("clips", type=Path, help="of scripts/people.py")
    given = parser.parse_args()
    nano = Nano(FOLDER, Sampling(), threads=1)
    asyncio.run(write(nano, given.clips))
    nano.close()


if __name__ == "__main__":
    main()
