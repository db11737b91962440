"""Evaluates the embedded models' recognition and speech: `python -m scripts.eval_nano` prints a table of figures.

Sentences are new, and voices are espeak-ng's that were not in the training data. Every figure comes from audio: a
reference is rendered, encoded, continued, decoded and transcribed.
"""

import argparse
import asyncio
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from rapidfuzz.distance import Levenshtein
from transformers.audio_utils import mel_filter_bank

from deployments.llasa.checkpoint import load_checkpoint
from deployments.llasa.engine import Engine
from deployments.llasa.protocol import Codes, Sampling, TakeRequest
from deployments.nano.weights import verified
from deployments.synthesis.pace import Pace
from deployments.text.wer import tokens
from deployments.whisper.transcriber import WhisperTranscriber
from deployments.xcodec2.codec import Xcodec2Codec
from scripts.train_nano.corpus import trimmed
from scripts.train_nano.espeak import Audio, Espeak, Voice
from scripts.train_nano.frames import grid, power
from scripts.train_nano.sentences import Sentences
from scripts.train_nano.vocabulary import UNSEEN
from scripts.train_nano.voices import HELD_OUT, pitch_of, spread

_HOP: Final = 320
_MEL: Final = mel_filter_bank(513, 80, 0, 8000, 16000, norm="slaney", mel_scale="slaney")
_ROWS: Final = (
    "ground truth, Whisper",
    "ground truth, codec, Whisper",
    "spoken, Whisper",
    "spoken with words of no lexicon",
)


@dataclass(frozen=True)
class Take:
    codes: Codes
    ended: bool
    seconds: float


class Nano:
    """The three checkpoints in the service's own classes, without Ray."""

    def __init__(self, folder: Path, sampling: Sampling, threads: int) -> None:
        torch.set_num_threads(threads)
        self._codec = Xcodec2Codec.load(str(folder / "xcodec2"))
        self._whisper = WhisperTranscriber.load(str(verified("whisper")), cpu_threads=threads)
        self._checkpoint, self._sampling = load_checkpoint(str(folder / "llasa")), sampling
        self._engine: Engine | None = None

    def encode(self, audio: Audio) -> Codes:
        return self._codec.encode(audio)

    def decode(self, codes: Codes, start: int = 0) -> Audio:
        """Returns the samples of the codes from `start` on; earlier ones serve as context only."""
        return self._codec.decode([codes])[0][_HOP * start :]

    async def listen(self, audio: Audio) -> str:
        return (await self._whisper.transcribe(np.pad(audio, (0, max(0, 3200 - len(audio)))), language="en")).text

    async def transcribe(self, audio: Audio) -> list[str]:
        return tokens(await self.listen(audio))

    async def speak(self, text: str, ref_text: str, ref_codes: Codes, seed: int) -> Take:
        self._engine = self._engine or Engine(self._checkpoint, max_takes=2)
        fewest, most = Pace().bounds(text)
        sampling = replace(self._sampling, seed=seed)
        request = TakeRequest(text, ref_text, ref_codes, sampling=sampling, min_codes=fewest, max_codes=most)
        begin, parts, finish = time.perf_counter(), [np.empty(0, np.int32)], None
        async for chunk in self._engine.generate(request):
            parts.append(chunk.codes)
            finish = chunk.finish
        return Take(np.concatenate(parts), finish == "stop", time.perf_counter() - begin)

    def close(self) -> None:
        self._whisper.close()
        if self._engine:
            self._engine.close()


def dtw(a: Audio, b: Audio) -> float:
    """Returns the mean distance of log spectra along the best path."""
    x, y = (np.log10(power(w, grid(w)) @ _MEL + 1e-6) for w in (a, b))
    x, y = x - x.mean(0), y - y.mean(0)
    distance = np.abs(x[:, None] - y[None]).mean(-1)
    cost = np.full((len(x) + 1, len(y) + 1), np.inf)
    cost[0, 0] = 0
    for diagonal in range(2, len(x) + len(y) + 1):
        i = np.arange(max(1, diagonal - len(y)), min(len(x), diagonal - 1) + 1)
        j = diagonal - i
        cost[i, j] = distance[i - 1, j - 1] + np.minimum(np.minimum(cost[i - 1, j], cost[i, j - 1]), cost[i - 1, j - 1])
    return float(cost[-1, -1] / (len(x) + len(y)))


@dataclass
class Tally:
    wrong: int = 0
    words: int = 0
    samples: list[tuple[str, str]] = field(default_factory=list)

    def add(self, said: list[str], truth: list[str]) -> None:
        self.wrong, self.words = self.wrong + Levenshtein.distance(said, truth), self.words + len(truth)
        self.samples.append((" ".join(truth), " ".join(said)))

    def __str__(self) -> str:
        return f"{100 * self.wrong / max(1, self.words):5.1f} %  ({self.wrong} of {self.words} words)"


def held_out_voices(espeak: Espeak) -> list[tuple[Voice, float]]:
    """Returns held-out voices, spread over the range of human pitch."""
    voices = [Voice(v.variant, v.pitch, 165, 40) for v in spread(HELD_OUT, (45, 60, 75, 90))]
    measured = [
        (v, pitch_of(espeak.say("The old teacher finds a golden key near the river.", v).audio)) for v in voices
    ]
    ordered = sorted(((v, f0) for v, f0 in measured if 85 <= f0 <= 280), key=lambda pair: pair[1])
    return [ordered[round(i)] for i in np.linspace(0, len(ordered) - 1, 16)]


def unseen(seed: int) -> Iterator[str]:
    """Yields sentences with one out-of-lexicon word each."""
    r = random.Random(seed)
    frames = [
        "the old {} is in the garden.",
        "she bought a new {} today.",
        "my friend likes the {}.",
        "we found one {} near the river.",
    ]
    for word in UNSEEN:
        yield r.choice(frames).format(word)


@dataclass
class Findings:
    wer: dict[str, Tally] = field(default_factory=lambda: {name: Tally() for name in _ROWS})
    unseen: Tally = field(default_factory=Tally)
    """Errors of the out-of-lexicon words only."""
    ended: list[bool] = field(default_factory=list)
    retrieved: list[bool] = field(default_factory=list)
    durations: list[float] = field(default_factory=list)
    f0: dict[float, list[float]] = field(default_factory=dict)
    """F0 of the output, by that of the voice."""
    rtf: list[float] = field(default_factory=list)
    rtf_codec: list[float] = field(default_factory=list)

    def pitches(self) -> list[tuple[float, float]]:
        """Returns F0 of every voice and the median of its speech, if any of that is voiced."""
        heard = {voice: [f0 for f0 in out if not np.isnan(f0)] for voice, out in sorted(self.f0.items())}
        return [(voice, float(np.median(out))) for voice, out in heard.items() if out]

    def figures(self) -> dict[str, float]:
        pairs = np.array(self.pitches())
        return {
            "same-voice DTW retrieval": float(np.mean(self.retrieved)),
            "END": float(np.mean(self.ended)),
            "duration ratio, median": float(np.median(self.durations)),
            f"F0 correlation over {len(pairs)} voices": float(np.corrcoef(pairs.T)[0, 1]),
            "real-time factor of Llasa": float(np.median(self.rtf)),
            "real-time factor of the decoder": float(np.median(self.rtf_codec)),
        }


async def evaluate(nano: Nano, count: int, unseen_count: int) -> Findings:
    espeak, sentences, found = Espeak(), Sentences(31_337), Findings()
    voices = held_out_voices(espeak)
    texts = [sentences.sentence() for _ in range(count)]
    for i, text in enumerate([*texts, *list(unseen(3))[:unseen_count]]):
        voice, f0 = voices[i % len(voices)]
        reference_text = sentences.sentence()
        reference = nano.encode(trimmed(espeak.say(reference_text, voice)))
        take = await nano.speak(text, reference_text, reference, seed=i)
        begin = time.perf_counter()
        audio = nano.decode(np.concatenate([reference, take.codes]), start=len(reference))
        found.rtf_codec.append((time.perf_counter() - begin) * 50 / max(1, len(take.codes)))
        found.rtf.append(take.seconds * 50 / max(1, len(take.codes)))
        found.ended.append(take.ended)
        said, truth = await nano.transcribe(audio), trimmed(espeak.say(text, voice))
        if i >= count:
            found.wer[_ROWS[3]].add(said, tokens(text))
            found.unseen.add(
                [word for word in said if word in UNSEEN], [word for word in tokens(text) if word in UNSEEN]
            )
            continue
        found.wer[_ROWS[2]].add(said, tokens(text))
        found.wer[_ROWS[0]].add(await nano.transcribe(truth), tokens(text))
        found.wer[_ROWS[1]].add(await nano.transcribe(nano.decode(nano.encode(truth))), tokens(text))
        found.durations.append(len(audio) / len(truth))
        found.f0.setdefault(f0, []).append(pitch_of(audio))
        own = dtw(audio, truth)
        others = (trimmed(espeak.say(texts[(i + 1 + 7 * k) % count], voice)) for k in range(5))
        found.retrieved.append(all(own < dtw(audio, other) for other in others))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.eval_nano", description=__doc__)
    parser.add_argument("--weights", type=Path, default=Path("deployments/nano"))
    parser.add_argument("--sentences", type=int, default=96)
    parser.add_argument("--unseen", type=int, default=32)
    parser.add_argument("--temperature", type=float, default=Sampling().temperature)
    parser.add_argument("--top-p", type=float, default=Sampling().top_p)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--samples", type=int, default=6, help="how many transcripts of each row to show")
    given = parser.parse_args()
    nano = Nano(given.weights, Sampling(temperature=given.temperature, top_p=given.top_p), given.threads)
    found = asyncio.run(evaluate(nano, given.sentences, given.unseen))
    nano.close()
    print(f"{given.sentences} sentences, temperature {given.temperature}, {given.threads} threads\n")
    for name, tally in found.wer.items():
        print(f"WER {name:36} {tally}")
    print(f"{'of these, those words alone':40} {found.unseen}")
    for figure, value in found.figures().items():
        print(f"{figure:40} {value:.3f}")
    print("F0 of voice and output:", ", ".join(f"{a:.0f}→{b:.0f}" for a, b in found.pitches()))
    for name, tally in found.wer.items():
        print(f"\n{name}")
        for truth, said in tally.samples[: given.samples]:
            print(json.dumps([truth, said]))


if __name__ == "__main__":
    main()
