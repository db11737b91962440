"""The chaos program: its files and its judgement, and a short run of it."""

import asyncio
import json
import os
import random
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from shutil import which
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from deployments.settings import Settings
from scripts.chaos.__main__ import main
from scripts.chaos.audit import parse
from scripts.chaos.case import Case, Kind, speech, transcription
from scripts.chaos.clock_jump import build, move
from scripts.chaos.corpus import KINDS, corpus
from scripts.chaos.faults import FAULTS
from scripts.chaos.kills import describe
from scripts.chaos.load import Load, Result
from scripts.chaos.mutations import MUTATIONS, mutants
from scripts.chaos.outcome import Outcome, is_envelope, judge
from scripts.chaos.processes import is_title
from scripts.chaos.recovery import recovery
from scripts.chaos.reply import Reply, exchange
from scripts.chaos.row import HEADER, Row
from scripts.chaos.service import Service
from scripts.chaos.structure import chunks
from tests.support.served import served

ROOT = Path(__file__).parent.parent.parent
ENVELOPE = json.dumps({"error": {"message": "No.", "type": "t", "param": None, "code": "c"}}).encode()
WHOLE = speech("Hello.", 1)
STREAM = speech("Hello.", 1, Kind.STREAM)
EVENTS = speech("Hello.", 1, Kind.EVENTS)
HEARD = transcription("a.wav", b"clip")

needs_tools = pytest.mark.skipif(not which("ffmpeg") or not which("espeak-ng"), reason="needs ffmpeg and espeak-ng")


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return corpus()


def event(**data: object) -> bytes:
    return f"event: e\ndata: {json.dumps(data)}\n\n".encode()


DELTA = event(type="speech.audio.delta", audio="YWJj")
DONE = event(type="speech.audio.done")


@pytest.mark.parametrize(
    ("case", "reply", "outcome"),
    [
        (WHOLE, Reply(200, {}, b"abc"), Outcome.RIGHT),
        (WHOLE, Reply(200, {}, b"ab"), Outcome.WRONG),
        (WHOLE, Reply(200, {}, b""), Outcome.WRONG),
        (WHOLE, Reply(200, {}, b"ab", "RemoteProtocolError: "), Outcome.LOST),
        (WHOLE, Reply(400, {}, ENVELOPE), Outcome.REFUSED),
        (WHOLE, Reply(503, {}, ENVELOPE), Outcome.REFUSED),
        (WHOLE, Reply(429, {"retry-after": "5"}, ENVELOPE), Outcome.REFUSED),
        (WHOLE, Reply(429, {}, ENVELOPE), Outcome.LOST),
        (WHOLE, Reply(500, {}, ENVELOPE), Outcome.LOST),
        (WHOLE, Reply(503, {}, b"Service Unavailable"), Outcome.LOST),
        (WHOLE, Reply(404, {}, b'{"detail": "Not Found"}'), Outcome.LOST),
        (WHOLE, Reply(None, {}, b"", "ConnectError: "), Outcome.LOST),
        (STREAM, Reply(200, {}, b"abc"), Outcome.RIGHT),
        (STREAM, Reply(200, {}, b"ab"), Outcome.WRONG),
        (STREAM, Reply(200, {}, b"ab", "RemoteProtocolError: "), Outcome.BROKEN_OFF),
        (STREAM, Reply(200, {}, b"ab", "no end within 1 s", timed_out=True), Outcome.LOST),
        (EVENTS, Reply(200, {}, DELTA + DONE), Outcome.RIGHT),
        (EVENTS, Reply(200, {}, DELTA + DELTA + DONE), Outcome.WRONG),
        (EVENTS, Reply(200, {}, DELTA), Outcome.WRONG),
        (EVENTS, Reply(200, {}, b""), Outcome.WRONG),
        (EVENTS, Reply(200, {}, (DELTA + DONE)[:-20]), Outcome.WRONG),
        (EVENTS, Reply(200, {}, DELTA + event(type="error", **json.loads(ENVELOPE))), Outcome.BROKEN_OFF),
        (EVENTS, Reply(200, {}, DELTA + event(type="error", error={"message": "No."})), Outcome.LOST),
        (HEARD, Reply(200, {}, b'{"text": "abc", "usage": {}}'), Outcome.RIGHT),
        (HEARD, Reply(200, {}, b'{"text": "abd"}'), Outcome.WRONG),
        (HEARD, Reply(200, {}, b'{"usage": {}}'), Outcome.WRONG),
    ],
)
def test_a_reply_is_judged_as_its_client_sees_it(case: Case, reply: Reply, outcome: Outcome) -> None:
    assert judge(case, reply, b"abc").outcome == outcome


def test_an_empty_transcript_is_an_answer() -> None:
    assert judge(HEARD, Reply(200, {}, b'{"text": ""}')).outcome == Outcome.RIGHT


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"Internal Server Error",
        b"[]",
        b'{"error": "no"}',
        b'{"error": {"message": "No.", "type": "t", "code": "c"}}',
        b'{"error": {"message": "", "type": "t", "param": null, "code": "c"}}',
    ],
)
def test_an_envelope_has_all_four_keys_and_a_message(body: bytes) -> None:
    assert is_envelope(ENVELOPE)
    assert not is_envelope(body)


async def test_a_reply_that_ends_early_keeps_what_arrived() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("reset")

    async with httpx.AsyncClient(transport=httpx.MockTransport(fail), base_url="http://service") as client:
        assert await exchange(client, WHOLE, 5) == Reply(None, {}, b"", "ReadError: reset")


@needs_tools
def test_the_corpus_has_many_kinds_and_is_the_same_each_time(files: dict[str, bytes]) -> None:
    assert len(files) >= 25
    assert len(files) >= 0.8 * len(KINDS)
    some = list(files)[::9]
    assert corpus(some) == {kind: files[kind] for kind in some}


@needs_tools
@pytest.mark.parametrize("kind", ["s16.wav", "pcm.caf", "vorbis.ogg", "opus.webm", "aac.m4a"])
def test_chunks_cover_a_file_in_order(files: dict[str, bytes], kind: str) -> None:
    found = chunks(files[kind])
    assert len(found) > 1
    assert all(0 <= chunk.start < chunk.end <= len(files[kind]) for chunk in found)
    assert all(chunk.start <= chunk.length_at < chunk.end for chunk in found)
    assert found[-1].end == len(files[kind])


@needs_tools
def test_mutants_are_the_same_for_a_seed_and_others_for_another(files: dict[str, bytes]) -> None:
    made = list(mutants(files, 200, seed=1))
    assert made == list(mutants(files, 200, seed=1))
    assert made != list(mutants(files, 200, seed=2))
    assert made[:50] == list(mutants(files, 50, seed=1))
    assert {mutant.mutation for mutant in made} == set(MUTATIONS)
    assert len({mutant.base for mutant in made}) == len(files)
    assert sum(mutant.data != files[mutant.base] for mutant in made) > 150
    assert all(mutant.data for mutant in made)


@pytest.mark.parametrize("mutation", [name for name in MUTATIONS if name != "zzuf"])
@pytest.mark.parametrize(
    "data", [b"ab", b"RIFF", b"OggS" * 9, b"\x1a\x45\xdf\xa3\xff", b"\0\0\0\x08ftyp" * 3, bytes(64)]
)
def test_any_bytes_can_be_mutated(mutation: str, data: bytes) -> None:
    for seed in range(20):
        assert MUTATIONS[mutation](data, b"RIFF other", random.Random(seed)) is not None  # noqa: S311


def test_a_title_may_have_a_method() -> None:
    assert is_title("ray::ProxyActor", "ray::ProxyActor")
    assert is_title("ray::ProxyActor.ready", "ray::ProxyActor")
    assert not is_title("ray::ProxyActorOther", "ray::ProxyActor")


class Failing:
    """A service that answers 503 without an envelope until it is mended."""

    def __init__(self) -> None:
        self.mended = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        await send({"type": "http.response.start", "status": 200 if self.mended else 503, "headers": []})
        await send({"type": "http.response.body", "body": b"abc"})


async def test_recovery_ends_with_the_first_right_answer() -> None:
    application = Failing()
    with served(application) as url:
        service = Service(url)
        begin = time.monotonic()
        async with (
            asyncio.timeout(60),
            Load(url, [(2, [WHOLE])], {WHOLE.name: b"abc"}, timeout=10, pause=0.05) as load,
        ):
            seconds = asyncio.create_task(recovery(service, load, WHOLE, begin))
            while not load.results:
                await asyncio.sleep(0.02)
            assert not seconds.done()
            application.mended = True
            taken = await seconds
            while not load.successes_since(begin):
                await asyncio.sleep(0.02)
    outcomes = {result.outcome for result in load.results}
    assert outcomes == {Outcome.LOST, Outcome.RIGHT}
    assert begin + taken > min(result.end for result in load.results if result.outcome is Outcome.LOST)
    assert describe(load.results, [begin], [taken]).startswith("lost: 0 that were in flight")


TRACE = """\
10 clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f) = 20
10 openat(AT_FDCWD, "/own", O_RDONLY) = 3
20 openat(AT_FDCWD, "/before", O_RDONLY) = 3
20 prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) = 0
20 seccomp(SECCOMP_SET_MODE_FILTER, 0, {len=9, filter=0x55}) = 0
20 clone3({flags=CLONE_VM|CLONE_THREAD, exit_signal=0} => {parent_tid=[21]}, 88) = 21
21 openat(AT_FDCWD, "/etc/passwd", O_RDONLY <unfinished ...>
10 clone(child_stack=NULL, flags=SIGCHLD <unfinished ...>
21 <... openat resumed>) = -1 EPERM (Operation not permitted)
30 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 4
10 <... clone resumed>, child_tidptr=0x7f) = 30
30 recvfrom(3, "x", 1, 0, NULL, NULL) = 1
30 stat("/looked", 0x7ffd) = -1 ENOENT (No such file or directory)
30 exit_group(0) = ?
"""


def test_calls_of_decoders_are_told_from_their_servers() -> None:
    calls = parse(TRACE.splitlines())
    assert calls.decoders == {20, 30}
    assert calls.filtered == {20}
    assert dict(calls.before) == {'openat(AT_FDCWD, "/before", O_RDONLY)': 1}
    assert dict(calls.denied) == {'openat(AT_FDCWD, "/etc/passwd", O_RDONLY)': 1}
    assert dict(calls.done) == {"socket(AF_INET, SOCK_STREAM, IPPROTO_IP)": 1}


@pytest.mark.skipif(not which("cc"), reason="needs a C compiler")
def test_the_wall_clock_of_a_process_moves_and_its_waits_do_not(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    clock.write_bytes(struct.pack("q", 0))
    move(clock, 86_400)
    code = (
        "import threading, time; begin = time.monotonic(); threading.Event().wait(0.05); time.sleep(0.05);"
        "assert 0.1 < time.monotonic() - begin < 86_400; print(time.time())"
    )
    environment = os.environ | {"LD_PRELOAD": str(build(tmp_path)), "CHAOS_CLOCK": str(clock)}
    before = time.time()
    printed = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, timeout=60, check=True)
    assert before <= float(printed.stdout) - 86_400 <= time.time()


def results(*outcomes: Outcome) -> Sequence[Result]:
    return [Result("a case", outcome, "because", 200, 0.0, 1.0) for outcome in outcomes]


def test_a_row_fails_if_anything_was_lost_or_wrong() -> None:
    row = Row("fault")
    row.count(results(Outcome.RIGHT, Outcome.REFUSED, Outcome.BROKEN_OFF))
    assert not row.failed
    row.count(results(Outcome.LOST))
    assert row.failed
    assert row.failures == ["lost: a case: because"]
    assert row.cells()[:7] == ["fault", "4", "1", "1", "1", "1", "0"]
    assert len(row.cells()) == len(HEADER) == len(Row.not_run("fault", "why").cells())


def test_the_list_tells_every_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    listed = capsys.readouterr().out
    assert all(f"{name} " in listed for name in FAULTS)


def run(tmp_path: Path, *arguments: str) -> list[dict[str, Any]]:
    """Runs the program, which must succeed, and returns the rows of its figures."""
    figures = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", "scripts.chaos", "--timeout", "120", *arguments, "--json", str(figures)],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields},
        capture_output=True,
        text=True,
        timeout=840,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows: list[dict[str, Any]] = json.loads(figures.read_text(encoding="utf-8"))["rows"]
    return rows


@needs_tools
@pytest.mark.cluster
@pytest.mark.slow
@pytest.mark.parametrize("fault", ["upgrade", "replace"])
def test_an_upgrade_loses_none_of_500_requests(fault: str, tmp_path: Path) -> None:
    [row] = run(tmp_path, "--only", fault, "--requests", "500")
    assert row["ran"]
    assert row["sent"] == row["right"] >= 500
    assert row["violations"] == 0


@needs_tools
@pytest.mark.cluster
@pytest.mark.slow
def test_a_short_run_loses_nothing(tmp_path: Path) -> None:
    # Of processes whose requests can be tried again; an ingress that is alone cannot.
    chosen = ["kill-llasa", "kill-xcodec2", "kill-whisper", "kill-decoder", "kill-controller", "files"]
    rows = run(tmp_path, "--kills", "1", "--clients", "2", "--files", "150", "--only", *chosen)
    assert [row["fault"] for row in rows] == chosen
    assert sum(row["lost"] + row["wrong"] + row["violations"] for row in rows) == 0
    assert all(row["right"] for row in rows if row["ran"])
    assert rows[-1]["sent"] > 150
