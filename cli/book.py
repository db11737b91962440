"""`llasa-serve book`."""

import asyncio
from dataclasses import replace
from pathlib import Path

from cli.job_client import JobClient
from cli.jobs import check_format, clock, done, fetch, suffix_of, tell
from cli.speech import read
from deployments.jobs.formats import BOOK_FORMATS, MEDIA_TYPES, BookFormat, CaptionFormat
from deployments.service.job_desk import LongRequest
from deployments.service.parameters import SpeechParams


async def book(
    jobs: JobClient,
    request: LongRequest,
    output: Path,
    *,
    captions: CaptionFormat | None = None,
    keep: bool = False,
) -> None:
    """Speaks a document into a file, with captions beside it. The job goes on in the service if this is interrupted."""
    check_format(output, MEDIA_TYPES)
    format = suffix_of(output)
    own: BookFormat = format if format in BOOK_FORMATS else "mp3"
    job = await done(jobs, await jobs.speak(replace(request, response_format=own)))
    for path in (output, *([output.with_suffix(f".{captions}")] if captions else [])):
        await fetch(jobs, job, path)
    tell(f"{output}: {clock(job.duration)} of speech, chapters: {len(job.chapters)}")
    if request.loudness and format in BOOK_FORMATS:
        measured = await jobs.loudness(job.id, own)
        levels = f"{measured.integrated:.1f} LUFS, RMS {measured.rms:.1f} dB"
        tell(f"Loudness {levels}, true peak {measured.true_peak:.1f} dBTP")
    if not keep:
        await jobs.change(job.id, "delete")


async def outline(jobs: JobClient, document: Path) -> None:
    """Prints a line for each chapter of a document, with its number and its estimated time."""
    data = await asyncio.to_thread(read, document)
    found = await jobs.outline(LongRequest(SpeechParams(input=""), data, document.name))
    for chapter in found.chapters:
        print(f"{chapter.number:4}  {clock(chapter.seconds)}  {chapter.title}")
    names = " by ".join(name for name in (found.title, found.author) if name)
    tell(f"{names or document.name}: about {clock(found.seconds)} of speech")
    for warning in found.warnings:
        tell(f"Warning: {warning}")
