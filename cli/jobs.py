"""`llasa-serve jobs`, and how commands wait for jobs."""

import asyncio
import sys
from collections.abc import Collection, Iterable, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Final, cast

from cli.job_client import JobClient
from cli.speech import write
from deployments.errors import InvalidInput, ServiceError, Unavailable
from deployments.jobs.formats import MEDIA_TYPES, FileFormat
from deployments.jobs.protocol import Job
from deployments.whisper.protocol import TranscriptFormat

TRANSCRIPTS: Final[Mapping[str, TranscriptFormat]] = {
    "txt": "text",
    "srt": "srt",
    "vtt": "vtt",
    "json": "verbose_json",
}
"""Formats of transcripts by their suffix."""
_ATTEMPTS: Final = 60
_PAUSE_S: Final = 2.0
_WIDTH: Final = 30


async def get(jobs: JobClient, id: str, output: Path) -> None:
    """Waits for a job and downloads its speech or its transcript."""
    kind = (await jobs.get(id)).kind
    check_format(output, MEDIA_TYPES if kind == "speech" else TRANSCRIPTS)
    job = await follow(jobs, id)
    show([job])
    await fetch(jobs, job, output)


def check_format(output: Path, suffixes: Collection[str]) -> None:
    """Raises InvalidInput unless a file with one of these suffixes can be written there."""
    if suffix_of(output) not in suffixes:
        raise InvalidInput(f"{output} ends in no format that is known: use one of {', '.join(suffixes)}.")
    if not output.parent.is_dir():
        raise InvalidInput(f"There is no folder {output.parent}.")


def suffix_of(output: Path) -> str:
    """Returns the format that the suffix of a file names."""
    return output.suffix[1:].lower()


async def done(jobs: JobClient, job: Job) -> Job:
    """Shows the progress of a new job until it is done.

    Raises:
        ServiceError: it failed, or was paused.
    """
    tell(f"Job {job.id}: {job.parts} parts. Ctrl-C leaves it to the service; `llasa-serve jobs` lists it.")
    for warning in job.warnings:
        tell(f"Warning: {warning}")
    job = await follow(jobs, job.id)
    if job.state != "done":
        raise ServiceError(f"The job is {job.state}" + (f": {job.error}" if job.error else "."))
    return job


async def follow(jobs: JobClient, id: str) -> Job:
    """Shows the progress of a job until it ends or is paused; survives restarts of the service. Returns the job."""
    after, failures = 0, 0
    while True:
        try:
            async with aclosing(jobs.events(id, after)) as events:
                async for event in events:
                    after, failures = event.get("number", after), 0
                    job = await jobs.get(id)
                    _progress(job)
                    if job.state == "paused":
                        break
        except Unavailable:
            failures += 1
            if failures == _ATTEMPTS:
                raise
            await asyncio.sleep(_PAUSE_S)
        else:
            tell("")
            return await jobs.get(id)


async def fetch(jobs: JobClient, job: Job, output: Path) -> None:
    """Downloads the speech of a job, going on where it was interrupted, or its transcript."""
    if job.kind == "transcription":
        text = await jobs.transcript(job.id, TRANSCRIPTS[suffix_of(output)])
        await asyncio.to_thread(write, output, text.encode())
        return
    unfinished = output.with_name(f"{output.name}.part")
    format = cast("FileFormat", suffix_of(output))
    try:
        unfinished.write_bytes(b"")
        for attempt in range(_ATTEMPTS):
            try:
                with unfinished.open("ab") as file:
                    async with aclosing(jobs.audio(job.id, format, start=file.tell())) as blocks:
                        async for block in blocks:
                            file.write(block)
                break
            except Unavailable:
                if attempt == _ATTEMPTS - 1:
                    raise
                await asyncio.sleep(_PAUSE_S)
        unfinished.replace(output)
    except OSError as error:
        raise InvalidInput(f"{output} cannot be written: {error.strerror}.") from error


def show(jobs: Iterable[Job]) -> None:
    """Prints a line for each job."""
    for job in jobs:
        error = f"  {job.error}" if job.error else ""
        print(f"{job.id}  {job.state:8}{job.progress:5.0%}  {job.title or ''}{error}")


def _progress(job: Job) -> None:
    done = round(_WIDTH * job.progress)
    left = "" if job.seconds_left is None else f"  {clock(job.seconds_left)} left"
    again = f"  {job.retaken} spoken again" if job.retaken else ""
    line = f"[{'#' * done}{'.' * (_WIDTH - done)}] {job.progress:4.0%}  {job.parts_done}/{job.parts}{again}{left}"
    if sys.stderr.isatty():
        print(f"\r\x1b[K{line}  {job.error or ''}"[:200], end="", file=sys.stderr, flush=True)
    elif job.state != "running":
        tell(f"{job.state}  {line}")


def clock(seconds: float) -> str:
    """Returns hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def tell(line: str) -> None:
    """Prints a line to stderr."""
    print(line, file=sys.stderr, flush=True)
