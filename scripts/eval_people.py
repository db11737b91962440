"""How well the embedded default does with people: `python -m scripts.eval_people CLIPS REGISTRY RESULTS`.

References are natural clips of voices that no training heard (`scripts/people.py`), the judges are others' models
(`scripts/judges.py`). Every take is kept in RESULTS, a file of one JSON object a line, and not made again.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from rapidfuzz.distance import Levenshtein

from deployments.llasa.protocol import Codes, Sampling
from deployments.text.wer import tokens
from deployments.voices.cleaning import clean
from deployments.voices.shipped import shipped_voices
from deployments.whisper.transcriber import WhisperTranscriber
from scripts.eval_nano import Nano
from scripts.judges import Likeness
from scripts.people import read, write
from scripts.train_nano.espeak import Audio
from scripts.train_nano.pitch import median, track

SENTENCES: Final = (
    "We walked through the garden after the rain.",
    "My brother wrote a letter to his good friend.",
    "Please bring me a cup of tea and some bread.",
)


@dataclass(frozen=True)
class Result:
    voice: str
    text: str
    ref_text: str
    seed: int
    said: str
    """What the judge hears."""
    ended: bool
    f0: float
    """Median Hz; nan where nothing has a pitch."""
    f0_of_reference: float
    life: float
    """Standard deviation of F0 over its mean."""
    own: float
    """Likeness to its own reference."""
    others: list[float]
    rtf: float
    """Seconds that Llasa takes for a second of speech."""

    @property
    def wrong(self) -> int:
        return min(Levenshtein.distance(tokens(self.text), tokens(self.said)), len(tokens(self.text)))

    @property
    def begins_right(self) -> bool:
        return tokens(self.said)[:1] == tokens(self.text)[:1]


class Judges:
    def __init__(self, registry: Path, threads: int) -> None:
        self.likeness = Likeness(registry / "resemblyzer.pt")
        self._whisper = WhisperTranscriber.load(str(registry / "whisper-base"), cpu_threads=threads)

    async def hear(self, audio: Audio) -> str:
        return (await self._whisper.transcribe(np.pad(audio, 4000), language="en")).text

    def close(self) -> None:
        self._whisper.close()


def _life(audio: Audio) -> tuple[float, float]:
    pitches = track(audio)
    voiced = pitches[pitches > 0]
    return median(pitches), float(voiced.std() / voiced.mean()) if len(voiced) > 3 else 0.0


@dataclass(frozen=True)
class Person:
    text: str
    wave: Audio
    codes: Codes


def recorded(nano: Nano, folder: Path) -> Iterator[tuple[str, Person]]:
    texts: dict[str, str] = json.loads((folder / "clips.json").read_text())
    for name, text in texts.items():
        wave = clean(read(folder / f"{name}.wav")).wav
        yield name, Person(text, wave, nano.encode(wave))


def built_in(nano: Nano) -> Iterator[tuple[str, Person]]:
    for name, voice in shipped_voices().items():
        yield name, Person(voice.text, nano.decode(voice.codes), voice.codes)


async def evaluate(nano: Nano, judges: Judges, given: argparse.Namespace) -> None:
    sentences = given.texts.read_text().splitlines() if given.texts else SENTENCES
    people = dict(built_in(nano) if given.clips.name == "built-in" else recorded(nano, given.clips))
    vectors = {name: judges.likeness.of(person.wave) for name, person in people.items()}
    done = {(r.voice, r.text, r.seed) for r in results(given.results)}
    for i, (name, person) in enumerate(people.items()):
        # Few sentences are different ones for each voice.
        texts = [sentences[(i * given.sentences + k) % len(sentences)] for k in range(given.sentences)]
        if all((name, text, i) in done for text in texts):
            continue
        ref_text = await nano.listen(person.wave) if given.no_text else person.text
        for text in texts:
            if (name, text, i) in done:
                continue
            take = await nano.speak(text, ref_text, person.codes, seed=i)
            audio = nano.decode(np.concatenate([person.codes, take.codes]), start=len(person.codes))
            if given.audio:
                given.audio.mkdir(parents=True, exist_ok=True)
                write(given.audio / f"{name}-{sentences.index(text)}.wav", audio)
            f0, life = _life(audio)
            vector = judges.likeness.of(audio)
            found = Result(
                name, text, ref_text, i, await judges.hear(audio), take.ended, f0, _life(person.wave)[0], life,
                float(vector @ vectors[name]), [float(vector @ v) for n, v in vectors.items() if n != name],
                take.seconds * 50 / max(1, len(take.codes)),
            )  # fmt: skip
            with given.results.open("a") as file:
                file.write(json.dumps(asdict(found)) + "\n")
            print(f"{time.strftime('%H:%M:%S')} {name}: {found.said}", flush=True)


def results(path: Path) -> Iterator[Result]:
    if path.exists():
        for line in path.read_text().splitlines():
            yield Result(**json.loads(line))


def report(rows: list[Result]) -> dict[str, float]:
    nearer = [own > other for row in rows for own, other in ((row.own, o) for o in row.others)]
    f0 = [(row.f0, row.f0_of_reference) for row in rows if not np.isnan([row.f0, row.f0_of_reference]).any()]
    return {
        "takes": len(rows),
        "voices": len({row.voice for row in rows}),
        "word error": sum(row.wrong for row in rows) / sum(len(tokens(row.text)) for row in rows),
        "takes without an error": float(np.mean([row.wrong == 0 for row in rows])),
        "first word right": float(np.mean([row.begins_right for row in rows])),
        "END": float(np.mean([row.ended for row in rows])),
        "likeness to its own reference": float(np.mean([row.own for row in rows])),
        "likeness to the others": float(np.mean([o for row in rows for o in row.others])),
        "nearer to its own than to another": float(np.mean(nearer)),
        "median F0 within 15 %": float(np.mean([abs(a / b - 1) <= 0.15 for a, b in f0])),
        "F0's deviation over its mean, median": float(np.median([row.life for row in rows])),
        "real-time factor of Llasa, median": float(np.median([row.rtf for row in rows])),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.eval_people", description=__doc__)
    parser.add_argument("clips", type=Path, help="of scripts/people.py, or `built-in`")
    parser.add_argument("registry", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--weights", type=Path, default=Path("deployments/nano"))
    parser.add_argument("--sentences", type=int, default=len(SENTENCES), help="of each voice")
    parser.add_argument("--texts", type=Path, help="what to say, a sentence a line")
    parser.add_argument("--no-text", action="store_true", help="the clip comes without its text: Whisper listens")
    parser.add_argument("--audio", type=Path, help="where the takes are kept as WAV")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    nano, judges = Nano(given.weights, Sampling(), given.threads), Judges(given.registry, given.threads)
    asyncio.run(evaluate(nano, judges, given))
    nano.close()
    judges.close()
    for name, value in report(list(results(given.results))).items():
        print(f"{name:40} {value:.3f}")


if __name__ == "__main__":
    main()
