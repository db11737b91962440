"""`llasa-serve transcribe`."""

import asyncio
from pathlib import Path

from cli.client import RestClient
from cli.job_client import JobClient
from cli.jobs import TRANSCRIPTS, check_format, clock, done, fetch, tell
from cli.speech import read
from deployments.service.backend import Clip
from deployments.service.job_desk import LongRecording


async def transcribe(client: RestClient, clip: Path, language: str | None) -> None:
    """Prints the transcript of a clip."""
    found = await client.transcribe(Clip(await asyncio.to_thread(read, clip)), language=language, words=False)
    tell(f"{found.duration:.1f} s, language {found.language}")
    for warning in found.warnings:
        tell(f"warning: {warning}")
    print(found.text)


async def transcribe_long(
    jobs: JobClient, recording: LongRecording, output: Path | None, *, keep: bool = False
) -> None:
    """Transcribes a recording as a job, into a file or to stdout."""
    if output:
        check_format(output, TRANSCRIPTS)
    job = await done(jobs, await jobs.transcribe(recording))
    if output:
        await fetch(jobs, job, output)
        tell(f"{output}: transcript of {clock(job.duration)}")
    else:
        print(await jobs.transcript(job.id, "text"), end="")
    if not keep:
        await jobs.change(job.id, "delete")
