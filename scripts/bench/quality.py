"""Measures the quality of speech: hard texts, spoken with and without checks and retries.

python -m scripts.bench.quality
python -m scripts.bench.quality --texts numbers names --seeds 1
python -m scripts.bench.quality --llasa DIR --xcodec2 DIR --whisper DIR --reference clip.wav="What it says."

*better* and *worse*: speeches with fewer and with more errors than the same ones in the first row. *step dB* and
*jump*: see `Result`. The score is Whisper's, which does not detect repetitions. The embedded Whisper knows only
English: Chinese scores nothing with it.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from deployments.audio.loudness import loudness
from deployments.audio.reading import decoded
from deployments.llasa.protocol import CodeChunk, Sampling, SpeechLM, TakeRequest
from deployments.nano.weights import verified
from deployments.synthesis.policy import Policy
from deployments.synthesis.synthesizer import Speech, SpeechRequest, Synthesizer, seconds
from deployments.text.wer import error_rate
from deployments.voices.reference import Reference
from deployments.voices.shipped import shipped_voices
from deployments.whisper.protocol import Transcriber
from deployments.xcodec2.protocol import SAMPLE_RATE, Waveform
from scripts.bench.table import table

if TYPE_CHECKING:
    from deployments.llasa.engine import Engine
    from deployments.whisper.transcriber import WhisperTranscriber
    from deployments.xcodec2.batcher import CodecBatcher

TEXTS: Final = {
    "short": "Yes.",
    "plain": "The sun is up, and a new day can begin.",
    "everyday": "The old man walked to the river, and his friend has seven good books. We saw a small dog in the park.",
    "numbers": "In 1999 we sold 12,345 of them at $5.20 each, 3.5% more than on the 21st of May.",
    "names": "Dr. Siobhan Nguyen of Reykjavik met Prof. Xu in Llanelli, i.e. far from home.",
    "repeats": "No, no, no, no, no, no, no, said the very very very tired man.",
    "tongue twister": "She sells sea shells by the sea shore; the shells she sells are surely sea shells.",
    "chinese": "今天天气很好，我们去公园散步吧。你觉得怎么样？",  # noqa: RUF001
    "long": " ".join(
        f"This is sentence number {number} of a text that goes on for a good while, as texts do."
        for number in range(12)
    ),
}
POLICIES: Final = {
    "one take": Policy(retries=0),
    "guards": Policy(),
    "guards, verify": Policy(verify=True),
    "best of 4": Policy(best_of=4),
}


class CountingLM:
    """`SpeechLM` that counts its codes."""

    def __init__(self, lm: SpeechLM) -> None:
        self.codes = 0
        self._lm = lm

    async def generate(self, request: TakeRequest) -> AsyncGenerator[CodeChunk, None]:
        async with aclosing(self._lm.generate(request)) as chunks:
            async for chunk in chunks:
                self.codes += len(chunk.codes)
                yield chunk


class InProcess:
    """A residency for models in this process."""

    @asynccontextmanager
    async def held(self, models: Sequence[str]) -> AsyncIterator[None]:
        yield

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


@dataclass(frozen=True, slots=True)
class Result:
    """One speech and its scores."""

    error: float
    finished: bool
    empty: bool
    flawed: int
    takes: int
    parts: int
    step: float
    """Largest step in loudness between consecutive parts, in dB."""
    jump: float
    """Largest step between samples where parts meet, relative to the largest elsewhere."""
    spent: float
    """Seconds of audio generated per second that was used."""


async def judge(lm: CountingLM, synthesizer: Synthesizer, transcriber: Transcriber, request: SpeechRequest) -> Result:
    """Speaks a request and scores it."""
    before = lm.codes
    speech = await synthesizer.speak(request)
    heard = await transcriber.transcribe(speech.wav)
    parts = speech.finished.parts
    return Result(
        error=min(error_rate(str(request.text), heard.text), 1.0),
        finished=speech.finished.finish == "stop",
        empty=not loudness(speech.wav),
        flawed=sum(part.flaw is not None for part in parts),
        takes=sum(part.attempts for part in parts),
        parts=len(parts),
        step=_largest_step(speech),
        jump=_largest_jump(speech),
        spent=(lm.codes - before) / 50 / max(seconds(speech.wav), 0.02),
    )


def _largest_step(speech: Speech) -> float:
    levels = [
        loudness(speech.wav[round(part.start * SAMPLE_RATE) : round((part.start + part.seconds) * SAMPLE_RATE)])
        for part in speech.finished.parts
    ]
    decibels = 20 * np.log10(np.maximum(levels, 1e-6))
    return float(np.abs(np.diff(decibels)).max(initial=0.0))


def _largest_jump(speech: Speech) -> float:
    jumps = np.abs(np.diff(speech.wav))
    at_joins = np.zeros(len(jumps), bool)
    near = SAMPLE_RATE // 200
    for part in speech.finished.parts[1:]:
        join = round(part.start * SAMPLE_RATE)
        at_joins[join - near : join + near] = True
    return float(jumps[at_joins].max(initial=0.0) / max(jumps[~at_joins].max(initial=0.0), 1e-6))


async def report(options: argparse.Namespace, lm: "Engine", codec: "CodecBatcher", ear: "WhisperTranscriber") -> str:
    """Prints one row for each policy."""
    references = [_reference(given) for given in options.reference] or [
        (voice, None) for voice in islice(shipped_voices().values(), options.voices)
    ]
    results: dict[str, list[Result]] = {}
    for name in options.policies:
        counting = CountingLM(lm)
        synthesizer = Synthesizer(counting, codec, ear, InProcess())
        results[name] = [
            await judge(
                counting,
                synthesizer,
                ear,
                SpeechRequest(
                    TEXTS[text],
                    reference,
                    ref_text,
                    sampling=Sampling(options.temperature, 50, 0.95, 1.1, seed=seed),
                    policy=POLICIES[name],
                ),
            )
            for text in options.texts
            for reference, ref_text in references
            for seed in range(options.seeds)
        ]
        print(f"{name}: {len(results[name])} speeches", file=sys.stderr, flush=True)
    first = results[options.policies[0]]
    header = ["care", "speeches", "word error", "better", "worse", "not ended", "empty", "parts", "flawed", "takes"]
    header += ["step dB", "jump", "s made/s"]
    return table(header, [[name, *_summary(row, first)] for name, row in results.items()])


def _summary(results: list[Result], first: list[Result]) -> list[str]:
    parts = sum(result.parts for result in results)
    errors, baseline = (np.array([result.error for result in row]) for row in (results, first))
    return [
        str(len(results)),
        f"{errors.mean():.3f}",
        str((errors < baseline).sum()),
        str((errors > baseline).sum()),
        str(sum(not result.finished for result in results)),
        str(sum(result.empty for result in results)),
        str(parts),
        str(sum(result.flawed for result in results)),
        str(sum(result.takes for result in results)),
        f"{max(result.step for result in results):.1f}",
        f"{max(result.jump for result in results):.2f}",
        f"{np.mean([result.spent for result in results]):.2f}",
    ]


def _reference(given: str) -> tuple[Waveform | Reference, str | None]:
    path, _, text = given.partition("=")
    return decoded(Path(path).read_bytes()), text or None


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table."""
    from deployments.llasa.checkpoint import load_checkpoint
    from deployments.llasa.engine import Engine
    from deployments.whisper.transcriber import WhisperTranscriber
    from deployments.xcodec2.batcher import CodecBatcher
    from deployments.xcodec2.codec import Xcodec2Codec

    options = _options(arguments)
    lm = Engine(load_checkpoint(str(options.llasa), options.device))
    codec = CodecBatcher(Xcodec2Codec.load(str(options.xcodec2), options.device))
    ear = WhisperTranscriber.load(str(options.whisper))
    try:
        print(asyncio.run(report(options, lm, codec, ear)))
    finally:
        ear.close()
        codec.close()
        lm.close()
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts.bench.quality", description=__doc__)
    parser.add_argument("--llasa", type=Path, default=verified("llasa"), help="folder of a Llasa, if not the embedded")
    parser.add_argument(
        "--xcodec2", type=Path, default=verified("xcodec2"), help="folder of an XCodec2, if not the embedded"
    )
    parser.add_argument(
        "--whisper", type=Path, default=verified("whisper"), help="folder of a CTranslate2 Whisper, if not ours"
    )
    parser.add_argument("--device", default="cpu", help="of Llasa and XCodec2")
    parser.add_argument("--reference", nargs="+", default=[], metavar="FILE=TEXT", help="clips and their transcripts")
    parser.add_argument("--voices", type=int, default=3, help="number of built-in voices, without clips")
    parser.add_argument("--texts", nargs="+", choices=list(TEXTS), default=list(TEXTS))
    parser.add_argument("--policies", nargs="+", choices=list(POLICIES), default=list(POLICIES))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--temperature", type=float, default=0.9, help="higher: takes differ more, and fail more often")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
