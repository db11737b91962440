"""Commands against a service behind a real socket, on the real tiny models."""

import io
import subprocess
import sys
import wave
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from cli.__main__ import main
from deployments.errors import (
    Conflict,
    GenerationFailed,
    InputTooLarge,
    InvalidInput,
    NotFound,
    Overloaded,
    ServiceError,
    TimedOut,
    Unauthorized,
    Unavailable,
    UnprocessableInput,
)
from deployments.ingress.responses.exception_handlers import failure_of
from deployments.service.service import SpeechService
from tests.ingress.conftest import Still
from tests.support import served as socket
from tests.support.clips import encode, voice
from tests.support.ports import free_port
from tests.support.serving import served

pytestmark = pytest.mark.usefixtures("url")


def run(*arguments: str | Path) -> int:
    return main([str(argument) for argument in arguments])


def seconds(file: bytes) -> float:
    with wave.open(io.BytesIO(file)) as opened:
        length: float = opened.getnframes() / opened.getframerate()
    return length


def test_say_writes_a_file_whose_header_knows_its_length(
    tmp_path: Path, reference: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "hello.wav"
    assert run("say", "Hello there.", "--clip", reference, "--ref-text", "A reference.", "-o", output) == 0
    length = seconds(output.read_bytes())
    assert 0.1 < length < 60
    told = capsys.readouterr()
    assert told.out == ""
    assert "Loading models…" in told.err
    assert "Speaking…" in told.err
    assert f"{length:.1f} s of speech" in told.err
    assert "seed 49" in told.err


def test_say_streams_to_stdout_where_that_leads_somewhere(
    reference: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    arguments = ("say", "Hello there.", "--clip", reference, "--ref-text", "A reference.")
    assert run(*arguments, "--format", "pcm", "--rate", "16000") == 0
    assert len(capsysbinary.readouterr().out) > 1_000


def test_a_reader_that_has_had_enough_is_no_failure(reference: Path) -> None:
    arguments = [
        sys.executable,
        "-m",
        "cli",
        "say",
        "Hello there.",
        "--clip",
        str(reference),
        "--ref-text",
        "A reference.",
    ]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as saying:
        assert saying.stdout
        assert saying.stderr
        assert saying.stdout.read(4) == b"RIFF"
        saying.stdout.close()
        told = saying.stderr.read().decode()
        assert saying.wait(60) == 0
    assert "BrokenPipe" not in told


def test_a_file_that_cannot_be_written_is_told(
    tmp_path: Path, reference: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    say = ("say", "Hello.", "--clip", reference, "--ref-text", "A reference.", "--format", "wav", "-o")
    assert run(*say, tmp_path / "nowhere" / "a.wav") == 3
    (line,) = capsys.readouterr().err.splitlines()  # before anything is spoken
    assert line == f"llasa-serve: There is no folder {tmp_path}/nowhere."
    assert run(*say, tmp_path) == 3
    assert f"{tmp_path} cannot be written: Is a directory." in capsys.readouterr().err


def test_the_ending_of_the_file_is_its_format(tmp_path: Path, reference: Path) -> None:
    output = tmp_path / "hello.flac"
    assert run("say", "Hello.", "--clip", reference, "--ref-text", "A reference.", "-o", output) == 0
    assert output.read_bytes().startswith(b"fLaC")


def test_the_text_may_come_from_stdin(tmp_path: Path, reference: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("Hello there."))
    output = tmp_path / "hello.wav"
    assert run("say", "-", "--clip", reference, "--ref-text", "A reference.", "-o", output) == 0
    assert seconds(output.read_bytes()) > 0.1


def test_speech_may_be_quicker(tmp_path: Path, reference: Path) -> None:
    say = ("say", "Hello.", "--clip", reference, "--ref-text", "A reference.", "-o")
    assert run(*say, tmp_path / "plain.wav") == 0
    assert run(*say, tmp_path / "quick.wav", "--speed", "2") == 0
    plain, quick = (seconds((tmp_path / name).read_bytes()) for name in ("plain.wav", "quick.wav"))
    assert quick == pytest.approx(plain / 2, abs=0.1)


def test_transcribe_prints_what_is_said_and_nothing_else(reference: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("transcribe", reference) == 0
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 1
    assert "1.5 s, language" in told.err


def test_transcribe_says_what_is_wrong_with_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut = tmp_path / "cut.mp3"
    cut.write_bytes(encode(voice(3.0, 44_100), "mp3")[:20_000])
    assert run("transcribe", cut) == 0
    assert "warning: The file should last 3.0" in capsys.readouterr().err


def test_voices_are_added_used_listed_moved_and_removed(
    tmp_path: Path, reference: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    added = run("voices", "add", "anna/b", reference, "--ref-text", "A reference.", "--consent", "my own")
    assert added == 3
    assert run("voices", "add", "anna", reference, "--ref-text", "A reference.", "--consent", "my own") == 0
    assert "Warning: The reference holds 1.5 s of speech" in capsys.readouterr().err
    assert run("say", "Hello.", "--voice", "anna", "-o", tmp_path / "a.wav") == 0
    capsys.readouterr()
    assert run("voices") == 0
    listed = capsys.readouterr().out
    assert "alloy" in listed
    assert "anna" in listed
    assert run("voices", "export", "anna", "-o", tmp_path / "anna.zip") == 0
    assert run("voices", "import", tmp_path / "anna.zip") == 3
    assert run("voices", "import", tmp_path / "anna.zip", "--name", "berta") == 0
    assert "berta" in capsys.readouterr().out
    assert run("voices", "export", "berta", "-o", tmp_path / "none" / "berta.zip") == 3
    assert run("voices", "remove", "anna") == 0
    assert run("voices", "remove", "anna") == 3


def test_status_tells_of_models_and_gpus(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("status") == 0
    told = capsys.readouterr().out
    assert "Llasa  unloaded" in told
    assert "GPU 0 Fake" in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("say", "Hello.", "--voice", "nobody", "-o", "x.wav"), "nobody"),
        (("say", "", "-o", "x.wav"), "The text is empty"),
        (("say", "Hello.", "--clip", "nowhere.wav"), "nowhere.wav cannot be read"),
        (("say", "Hello.", "-o", "x.docx"), "no format that is known"),
        (("say", "Hello.", "-o", "x.wav", "--best-of", "9"), "best_of"),
        (("say", "Hello.", "-o", "x.wav", "--language", "Germanish"), "language"),
        (("status", "--url", "http://[::1"), "cannot be sent"),
        (("status", "--key", "schlüssel"), "cannot be sent"),
        (("transcribe", "nowhere.wav"), "nowhere.wav cannot be read"),
        (("voices", "remove", "alloy"), "built-in"),
    ],
)
def test_what_the_caller_can_mend_is_told_in_a_line_with_status_3(
    arguments: tuple[str, ...],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 3
    error = capsys.readouterr().err.splitlines()
    assert error[-1].startswith("llasa-serve: ")
    assert told in error[-1]
    assert not list(tmp_path.glob("x.*"))


@pytest.mark.parametrize(("check", "listens"), [("off", False), ("repair", True)])
def test_the_text_of_a_clip_is_checked_where_that_is_asked_for(
    service: Callable[..., SpeechService], reference: Path, tmp_path: Path, check: str, listens: bool
) -> None:
    says = ("--ref-text", "A reference.", "--ref-check", check)
    for asks in (
        ("say", "Hello.", "--clip", reference, "-o", tmp_path / "a.wav", *says),
        ("voices", "add", "anna", reference, "--consent", "my own", *says),
    ):
        still = Still()
        with served(service(still)) as url, pytest.MonkeyPatch.context() as patch:
            patch.setenv("LLASA_URL", url)
            assert run(*asks) == 0
        assert any("Whisper" in order for order in still.orders) == listens


def test_a_service_that_is_not_there_is_told_with_status_4(capsys: pytest.CaptureFixture[str]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert run("status", "--url", url) == 4
    assert f"No service answers at {url}" in capsys.readouterr().err


def test_a_service_that_cannot_serve_now_is_told_with_status_4(
    service: Callable[..., SpeechService], reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Down(Still):
        @asynccontextmanager
        async def held(self, models: Sequence[str]) -> AsyncIterator[None]:
            raise Unavailable("Llasa cannot be loaded.")
            yield

    say = ("say", "Hello.", "--clip", reference, "--ref-text", "A reference.", "-o", tmp_path / "a.wav")
    with served(service(Down())) as url:
        assert run(*say, "--url", url) == 4
        assert run("transcribe", reference, "--url", url) == 4
    assert capsys.readouterr().err.count("llasa-serve: Llasa cannot be loaded.") == 2
    assert not (tmp_path / "a.wav").exists()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidInput(""), 3),
        (UnprocessableInput(""), 3),
        (InputTooLarge(""), 3),
        (NotFound(""), 3),
        (Unauthorized(""), 3),
        (Conflict(""), 3),
        (Overloaded(""), 4),
        (Unavailable(""), 4),
        (TimedOut(""), 1),
        (GenerationFailed(""), 3),
        (ServiceError(""), 1),
    ],
    ids=lambda each: type(each).__name__,
)
def test_errors_of_the_service_keep_their_kind_and_have_a_status(error: ServiceError, status: int) -> None:
    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await failure_of(error)(scope, receive, send)
            return
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    with socket.served(fail) as url:
        assert run("status", "--url", url) == status


@pytest.mark.parametrize("command", ["say", "transcribe", "voices", "status", "mcp"])
def test_help_teaches(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(command, "--help")
    assert caught.value.code == 0
    told = capsys.readouterr().out
    assert "exit status:" in told
    assert "$LLASA_URL" in told
    if command != "status":
        assert "llasa-serve" in told.partition("\n\n")[2].partition("options:")[0]  # an example
    with pytest.raises(SystemExit):
        run("--help")
    assert command in capsys.readouterr().out


def test_a_key_is_sent(service: Callable[..., SpeechService], capsys: pytest.CaptureFixture[str]) -> None:
    with served(service(api_key="secret")) as guarded:
        assert run("status", "--url", guarded) == 3
        assert run("status", "--url", guarded, "--key", "secret") == 0
    assert "Missing or invalid API key" in capsys.readouterr().err


def test_a_wrong_command_line_has_status_2() -> None:
    with pytest.raises(SystemExit) as caught:
        run("say")
    assert caught.value.code == 2
