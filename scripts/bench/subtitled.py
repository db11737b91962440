"""Speaks a subtitle file of 200 cues, and measures in the audio whether each is heard in its time.

Cues are as long as a reader needs at 12 to 18 characters a second, with gaps of up to a second between them. The slot
of a cue ends where the next one begins: speech may use the gap.
"""

import argparse
import io
import random
import time
from contextlib import nullcontext
from typing import Any, Final

import av
import httpx
import numpy as np

from deployments.audio.loudness import QUIET, frame_levels
from deployments.audio.subtitles import srt
from deployments.whisper.protocol import Segment
from deployments.xcodec2.protocol import HOP, SAMPLE_RATE
from scripts.bench.server import running
from scripts.bench.table import table
from scripts.train_nano.sentences import Sentences

_LATE_S: Final = 0.1
_BEFORE: Final = 3
"""Frames of 20 ms before that in which a cue begins: all but the last are silent if the cue before it fits."""
_SHORTEST_S: Final = 0.8
_PACE: Final = (12.0, 18.0)
"""Characters a second."""


def cues(count: int, seed: int) -> list[Segment]:
    """Returns texts with their times."""
    rng, sentences = random.Random(seed), Sentences(seed)  # noqa: S311 - repeatable
    found: list[Segment] = []
    at = 1.0
    for _ in range(count):
        text = sentences.sentence().capitalize()
        end = at + max(_SHORTEST_S, len(text) / rng.uniform(*_PACE))
        found.append(Segment(text, round(at, 3), round(end, 3)))
        at = end + rng.uniform(0.1, 1.0)
    return found


def spoken(client: httpx.Client, document: str) -> tuple[bytes, dict[str, Any]]:
    """Returns the WAV and the job of a subtitle file."""
    fields = {"voice": "alloy", "response_format": "wav", "sample_rate": str(SAMPLE_RATE)}
    answer = client.post("/api/jobs", data=fields, files={"file": ("film.srt", document.encode())})
    job = answer.raise_for_status().json()
    while (job := client.get(f"/api/jobs/{job['id']}").raise_for_status().json())["state"] != "done":
        if job["state"] == "failed":
            raise RuntimeError(job["error"])
        time.sleep(1)
    audio = client.get(f"/api/jobs/{job['id']}/audio").raise_for_status().content
    client.delete(f"/api/jobs/{job['id']}")
    return audio, job


def heard(wav: bytes, wanted: list[Segment]) -> tuple[list[float], list[bool]]:
    """Returns how many seconds late each cue is heard, and whether it is silent before the next one."""
    with av.open(io.BytesIO(wav)) as file:
        samples = np.concatenate([frame.to_ndarray()[0] for frame in file.decode(audio=0)]) / 32_768
    loud = frame_levels(samples.astype(np.float32)) > QUIET
    frames = [int(cue.start * SAMPLE_RATE / HOP) for cue in wanted] + [len(loud)]
    late, ended = [], []
    for cue, begin, end in zip(wanted, frames, frames[1:], strict=False):
        own = np.flatnonzero(loud[begin - _BEFORE : end - _BEFORE])
        late.append((begin - _BEFORE + int(own[0])) * HOP / SAMPLE_RATE - cue.start if len(own) else np.inf)
        ended.append(not loud[end - _BEFORE : end - 1].any())
    return late, ended


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.bench.subtitled", description=__doc__)
    parser.add_argument("--url", help="a running service (default: one is started, with the profile nano)")
    parser.add_argument("--cues", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    wanted = cues(given.cues, given.seed)
    service = nullcontext(given.url) if given.url else running("cli", "serve", environment={"PROFILE": "nano"})
    with service as url, httpx.Client(base_url=url, timeout=300) as client:
        wav, job = spoken(client, srt(wanted))
    late, ended = heard(wav, wanted)
    timely = [abs(each) <= _LATE_S for each in late]
    rows = [
        ("heard within 0.1 s of their time", f"{np.mean(timely):.1%}"),
        ("silent before the next one", f"{np.mean(ended):.1%}"),
        ("both", f"{np.mean([one and other for one, other in zip(timely, ended, strict=True)]):.1%}"),
        ("overruns listed by the job", str(len(job["overruns"]))),
        ("delay, median and largest s", f"{np.median(late):.3f} {max(late):.2f}"),
    ]
    print(table((f"{given.cues} cues", "found"), rows))
    for overrun in job["overruns"]:
        print(f"{overrun['text'][:60]!r}: {overrun['late']:.2f} s late, {overrun['over']:.2f} s over")


if __name__ == "__main__":
    main()
