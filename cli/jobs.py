"""`llasa-serve book` and `jobs`."""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final

from cli.client import RestClient
from cli.speech import read
from deployments.errors import InvalidInput, ServiceError, Unavailable
from deployments.jobs.protocol import BOOK_FORMATS, MEDIA_TYPES, CaptionFormat
from deployments.service.backend import Clip
from deployments.service.parameters import SpeechParams

_ATTEMPTS: Final = 60
_PAUSE_S: Final = 2.0
_WIDTH: Final = 30


async def book(
    client: RestClient,
    document: Path,
    params: SpeechParams,
    clip: Clip | None,
    output: Path,
    *,
    captions: CaptionFormat | None = None,
    keep: bool = False,
    **fields: Any,
) -> None:
    """Speaks a document into a file, with captions beside it. The job goes on in the service if this is interrupted."""
    check_format(output)
    format = output.suffix[1:].lower()
    if not output.parent.is_dir():
        raise InvalidInput(f"There is no folder {output.parent}.")
    data = await asyncio.to_thread(read, document)
    fields["response_format"] = format if format in BOOK_FORMATS else "mp3"
    job = await client.create_job(params, clip, fields, data, document.name)
    _print(f"Job {job['id']}: {job['parts']} parts. Ctrl-C leaves it to the service; `llasa-serve jobs` lists it.")
    for warning in job["warnings"]:
        _print(f"Warning: {warning}")
    job = await follow(client, job["id"])
    if job["state"] != "done":
        raise ServiceError(f"The job is {job['state']}" + (f": {job['error']}" if job["error"] else "."))
    for path in (output, *([output.with_suffix(f".{captions}")] if captions else [])):
        await fetch(client, job["id"], path)
    _print(f"{output}: {_time(job['duration'])} of speech, chapters: {len(job['chapters'])}")
    if fields.get("loudness") and format in BOOK_FORMATS:
        measured = await client.job_loudness(job["id"], format)
        levels = f"{measured['integrated']:.1f} LUFS, RMS {measured['rms']:.1f} dB"
        _print(f"Loudness {levels}, true peak {measured['true_peak']:.1f} dBTP")
    if not keep:
        await client.delete_job(job["id"])


async def outline(client: RestClient, document: Path) -> None:
    """Prints a line for each chapter of a document, with its number and its estimated time."""
    found = await client.outline(SpeechParams(input=""), await asyncio.to_thread(read, document), document.name)
    for chapter in found.chapters:
        print(f"{chapter.number:4}  {_time(chapter.seconds)}  {chapter.title}")
    names = " by ".join(name for name in (found.title, found.author) if name)
    _print(f"{names or document.name}: about {_time(found.seconds)} of speech")
    for warning in found.warnings:
        _print(f"Warning: {warning}")


def check_format(output: Path) -> None:
    """Raises InvalidInput unless a file can be made with this suffix."""
    if output.suffix[1:].lower() not in MEDIA_TYPES:
        raise InvalidInput(f"{output} ends in no format that is known: use one of {', '.join(MEDIA_TYPES)}.")


async def follow(client: RestClient, id: str) -> dict[str, Any]:
    """Shows the progress of a job until it ends or is paused; survives restarts of the service. Returns the job."""
    after, failures = 0, 0
    while True:
        try:
            async with aclosing(client.job_events(id, after)) as events:
                async for event in events:
                    after, failures = event.get("number", after), 0
                    job = await client.job(id)
                    _progress(job)
                    if job["state"] == "paused":
                        break
        except Unavailable:
            failures += 1
            if failures == _ATTEMPTS:
                raise
            await asyncio.sleep(_PAUSE_S)
        else:
            _print("")
            return await client.job(id)


async def fetch(client: RestClient, id: str, output: Path) -> None:
    """Downloads the speech of a job; goes on where it was interrupted."""
    unfinished = output.with_name(f"{output.name}.part")
    try:
        unfinished.write_bytes(b"")
        for attempt in range(_ATTEMPTS):
            try:
                with unfinished.open("ab") as file:
                    async with aclosing(client.job_audio(id, output.suffix[1:].lower(), file.tell())) as blocks:
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


def show(jobs: list[dict[str, Any]]) -> None:
    """Prints a line for each job."""
    for job in jobs:
        error = f"  {job['error']}" if job["error"] else ""
        print(f"{job['id']}  {job['state']:8}{job['progress']:5.0%}  {job['title'] or ''}{error}")


def _progress(job: Mapping[str, Any]) -> None:
    done = round(_WIDTH * job["progress"])
    left = "" if job["seconds_left"] is None else f"  {_time(job['seconds_left'])} left"
    line = f"[{'#' * done}{'.' * (_WIDTH - done)}] {job['progress']:4.0%}  {job['parts_done']}/{job['parts']}{left}"
    if sys.stderr.isatty():
        print(f"\r\x1b[K{line}  {job['error'] or ''}"[:200], end="", file=sys.stderr, flush=True)
    elif job["state"] != "running":
        _print(f"{job['state']}  {line}")


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
