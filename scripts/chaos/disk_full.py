"""No space under VOICES_DIR and OUTPUTS_DIR."""

# ruff: noqa: ASYNC240 - short accesses of files

import asyncio
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

from scripts.chaos.case import Case, Cases, speak, speech
from scripts.chaos.load import Result, send
from scripts.chaos.options import Options
from scripts.chaos.outcome import Outcome
from scripts.chaos.recovery import settled
from scripts.chaos.reply import exchange
from scripts.chaos.row import Row
from scripts.chaos.service import Service, started

_FILLER: Final = "filler"


async def disk_full(options: Options) -> list[Row]:
    """Fills small file systems, sends requests, makes room again, and sends more."""
    if os.geteuid() != 0:
        return [Row.not_run("disk-full", "only root can mount a small file system.")]
    try:
        with _small() as folder:
            settings = {name: str(folder / name.lower()) for name in ("VOICES_DIR", "OUTPUTS_DIR")}
            with started(settings) as service:
                return [await _run(service, folder, options)]
    except subprocess.CalledProcessError as error:
        return [Row.not_run("disk-full", f"no tmpfs can be mounted here: {error.stderr.decode().strip()}")]


async def _run(service: Service, folder: Path, options: Options) -> Row:
    cases = Cases()
    kept = speech("Hello.", 4, keep=True)
    await service.warm()
    await service.learn([cases.quick_speech, kept], options.timeout)
    row = Row("disk-full", before=service.resources())
    full: list[Result] = []
    async with httpx.AsyncClient(base_url=service.url, timeout=options.timeout) as client:
        await asyncio.to_thread(_fill, folder)
        for number in range(options.clients):
            for case in (cases.quick_speech, kept, voice(f"full{number}")):
                result = await send(client, case, options.timeout, service.expected.get(case.name))
                full.append(result)
        reply = await exchange(client, kept, options.timeout)
        report = [reply.headers.get(name, "") for name in ("x-output", "x-warnings")]
        if reply.status == 200 and not set(report) - {"", "[]"}:
            row.violate("no copy was kept although `keep` asked for one, and the answer does not say so")
        stored = {one["name"] for one in (await client.get("/v1/audio/voices")).json()["data"]}
        made = {f"full{n}" for n, one in enumerate(full[2::3]) if one.outcome is Outcome.RIGHT}
        listed = {name for name in stored if name.startswith("full")}
        if listed != made:
            row.violate(f"voices {sorted(listed)} are listed, though {sorted(made)} were made")
        await asyncio.to_thread(_free, folder)
        instant = time.monotonic()
        after = [await send(client, case, options.timeout) for case in (cases.quick_speech, kept, voice("after"))]
        row.recoveries.append(after[0].end - instant)
        for one in after:
            if one.outcome is not Outcome.RIGHT:
                row.violate(f"after room was made: {one.case}: {one.outcome} {one.detail}")
    row.count([*full, *after])
    row.after = await settled(service)
    for name, start in {"speech": 0, "speech with keep": 1, "a new voice": 2}.items():
        found = sorted({f"{one.outcome.value} {one.detail}".strip() for one in full[start::3]})
        row.notes.append(f"{name} on the full disk: {'; '.join(found)}")
    left = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.stat().st_size == 0]
    row.notes.append(f"empty files left: {', '.join(left) or 'none'}")
    return row


def voice(name: str) -> Case:
    """A request that stores a voice."""
    fields = {"name": name, "consent": "my own voice", "ref_text": "The sun is up.", "ref_check": "off"}
    files = {"audio_sample": ("clip.wav", speak("The sun is up."))}
    return Case(f"voice {name}", "/v1/audio/voices", fields=fields, files=files)


@contextmanager
def _small() -> Iterator[Path]:
    """A folder on a file system of 1 MB, with folders for both settings.

    Raises:
        subprocess.CalledProcessError: it cannot be mounted.
    """
    with tempfile.TemporaryDirectory(prefix="llasa-chaos-full-") as name:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", name], check=True, capture_output=True)
        try:
            for setting in ("voices_dir", "outputs_dir"):
                (Path(name) / setting).mkdir()
            yield Path(name)
        finally:
            subprocess.run(["umount", "--lazy", name], check=True, capture_output=True)


def _fill(folder: Path) -> None:
    with (folder / _FILLER).open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def _free(folder: Path) -> None:
    (folder / _FILLER).unlink()
