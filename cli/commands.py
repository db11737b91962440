"""Commands that call a running service: their arguments and exit statuses."""

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import Any, Final, get_args

import httpx2

from cli.book import book, outline
from cli.client import RestClient
from cli.job_client import JobClient
from cli.jobs import get, show
from cli.options import add_speech_options, speech_params
from cli.speech import read, say
from cli.transcription import transcribe, transcribe_long
from cli.voices import VOICES, add_voice_actions, change_voices
from deployments.audio.encoder import MEDIA_TYPES
from deployments.errors import InvalidInput, Overloaded, ServiceError, Unavailable
from deployments.jobs.chapters import read_choice
from deployments.jobs.formats import CaptionFormat
from deployments.service.backend import Clip
from deployments.service.job_desk import LongRecording, LongRequest
from deployments.service.parameters import NOT_OF_JOBS, SpeechParams

SERVICE_COMMANDS: Final = ("say", "book", "jobs", "transcribe", "voices", "status", "mcp")
_STATUSES: Final = """\
exit status:
  0  done
  1  the service failed
  2  the command line is wrong
  3  the request is invalid: its text, its clip, a file or a key
  4  no service answers, or the service is not ready
"""


def add_service_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the parsers of the commands."""
    _say_arguments(_command(commands, "say", "speak a text", _SAY))
    _book_arguments(_command(commands, "book", "speak a book", _BOOK))
    jobs = _command(commands, "jobs", "list, pause, resume, retry or delete jobs", _JOBS)
    changes = jobs.add_subparsers(dest="action")
    for action in ("pause", "resume", "retry", "delete"):
        changes.add_parser(action, help=f"{action} a job").add_argument("id")
    follower = changes.add_parser("get", help="wait for a job and download its speech or its transcript")
    follower.add_argument("id")
    follower.add_argument("-o", "--output", type=Path, metavar="FILE", required=True, help="its suffix is the format")
    clip = _command(commands, "transcribe", "transcribe a recording", _TRANSCRIBE)
    clip.add_argument("clip", type=Path, help="any audio file")
    clip.add_argument("--language", help="ISO 639-1 code (default: detected)")
    clip.add_argument("--long", action="store_true", help="transcribe it as a job, with a progress bar")
    clip.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="txt, srt, vtt or json, by its suffix; implies --long"
    )
    clip.add_argument("--keep-job", action="store_true", help="leave the job in the service after the download")
    add_voice_actions(_command(commands, "voices", "list, add, remove, export or import voices", VOICES))
    _command(commands, "status", "show the status of the models", "Shows the status of the models and GPUs.")
    bridge = _command(commands, "mcp", "serve assistants over stdio", _MCP)
    bridge.add_argument(
        "--allow",
        type=Path,
        action="append",
        metavar="FOLDER",
        help="folder for clips and speech; may be repeated (default: the working folder)",
    )


def run_service_command(given: argparse.Namespace) -> int:
    """Runs a command and returns its exit status."""
    try:
        asyncio.run(_run(given))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader has closed the pipe. Python would flush again at exit, and fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ServiceError as error:
        return _fail(error)
    except (httpx2.InvalidURL, UnicodeError) as error:
        return _fail(InvalidInput(f"The URL, the key or the text cannot be sent: {error}"))
    return 0


def _fail(error: ServiceError) -> int:
    print(f"llasa-serve: {error.message}", file=sys.stderr)
    return _status_of(error)


def _status_of(error: ServiceError) -> int:
    if isinstance(error, Overloaded | Unavailable):
        return 4
    return 3 if error.type == "invalid_request_error" else 1


_SAY: Final = """\
Speaks a text: to a file with -o, to stdout if it is redirected, otherwise aloud (with ffplay, mpv or aplay).

  llasa-serve say "Hello there." --voice alloy -o hello.wav
  llasa-serve say "Hello, this is my voice." --clip me.wav --ref-text "What the clip says." -o me.mp3
  cat story.txt | llasa-serve say - --voice alloy --format mp3 > story.mp3
"""
_TRANSCRIBE: Final = """\
Prints the text of a recording. Its duration and language are written to stderr. A recording of hours is transcribed
in the background of the service, with a progress bar. If this command or the service is stopped, the job goes on later:
`llasa-serve jobs get ID -o FILE` waits for it.

  llasa-serve transcribe memo.mp3 > memo.txt
  llasa-serve transcribe interview.mp3 --long > interview.txt
  llasa-serve transcribe interview.mp3 -o interview.srt
"""
_BOOK: Final = """\
Speaks a book in the background of the service and downloads it. M4B has chapters and the cover. If this command or the
service is stopped, the job goes on later: `llasa-serve jobs get ID -o FILE` waits for it.

  llasa-serve book tales.epub -o tales.m4b --voice alloy
  llasa-serve book tales.epub --list
  llasa-serve book tales.epub -o some.m4b --chapters 1,3-5
  llasa-serve book notes.md -o notes.mp3 --clip me.wav --ref-text "What the clip says."
"""
_JOBS: Final = """\
Lists your jobs, or changes one.

  llasa-serve jobs
  llasa-serve jobs pause job_0123456789abcdef01234567
  llasa-serve jobs get job_0123456789abcdef01234567 -o tales.m4b
"""
_MCP: Final = """\
Serves the tools of a running service over stdio. For a desktop assistant:

  {"mcpServers": {"llasa": {"command": "llasa-serve", "args": ["mcp", "--allow", "/home/me/voices"]}}}
"""


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, help: str, description: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=help,
        description=description,
        epilog=_STATUSES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    url = os.environ.get("LLASA_URL", "http://127.0.0.1:7861")
    parser.add_argument("--url", default=url, help="URL of the service (default: $LLASA_URL or http://127.0.0.1:7861)")
    parser.add_argument("--key", default=os.environ.get("LLASA_API_KEY"), help="API key (default: $LLASA_API_KEY)")
    return parser


def _say_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", help="what to say; - is standard input")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="output file; its suffix selects the format")
    add_speech_options(parser)


def _book_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "document", type=Path, metavar="FILE", help="a text, Markdown, HTML, EPUB, DOCX, PDF, SRT or VTT"
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="m4b, mp3, flac, opus, wav, zip, srt or vtt, by its suffix",
    )
    what.add_argument("--list", action="store_true", help="list the chapters with their numbers, and speak nothing")
    parser.add_argument("--chapters", metavar="NUMBERS", help="chapters to speak, such as 1,3-5 (default: all)")
    parser.add_argument("--title", help="title in the file (default: the document's)")
    parser.add_argument("--author", help="author in the file (default: the document's)")
    parser.add_argument("--loudness", help="ebu (EBU R 128), acx (Audible) or a number of LUFS (default: as spoken)")
    parser.add_argument("--captions", choices=get_args(CaptionFormat), help="also write captions beside the file")
    parser.add_argument("--keep-job", action="store_true", help="leave the job in the service after the download")
    add_speech_options(parser, NOT_OF_JOBS)


async def _run(given: argparse.Namespace) -> None:
    async with RestClient(given.url, given.key) as client:
        match given.command:
            case "say":
                await say(client, *await asyncio.to_thread(_speech, given), given.output)
            case "book" if given.list:
                await outline(JobClient(client), given.document)
            case "book":
                request = await asyncio.to_thread(_book, given)
                await book(JobClient(client), request, given.output, captions=given.captions, keep=given.keep_job)
            case "jobs":
                await _jobs(JobClient(client), given)
            case "transcribe" if given.long or given.output:
                clip = Clip(await asyncio.to_thread(read, given.clip))
                recording = LongRecording(clip, given.clip.name, given.language)
                await transcribe_long(JobClient(client), recording, given.output, keep=given.keep_job)
            case "transcribe":
                await transcribe(client, given.clip, given.language)
            case "voices":
                await change_voices(client, given)
            case "status":
                await _status(client)
            case "mcp":
                from cli.mcp import serve  # the SDK takes a second to import

                await serve(client, given.allow or [Path.cwd()])


def _speech(given: argparse.Namespace) -> tuple[SpeechParams, Clip | None]:
    values: dict[str, Any] = {"input": sys.stdin.read() if given.text == "-" else given.text}
    suffix = given.output.suffix[1:].lower() if given.output else ""
    if suffix and "response_format" not in given:
        if suffix not in MEDIA_TYPES:
            raise InvalidInput(f"{given.output} ends in no format that is known: use one of {', '.join(MEDIA_TYPES)}.")
        values["response_format"] = suffix
    return speech_params(given, **values), Clip(read(given.clip)) if given.clip else None


def _book(given: argparse.Namespace) -> LongRequest:
    return LongRequest(
        speech_params(given, input=""),
        read(given.document),
        given.document.name,
        Clip(read(given.clip)) if given.clip else None,
        title=given.title,
        author=given.author,
        loudness=given.loudness,
        chapters=None if given.chapters is None else read_choice(given.chapters),
    )


async def _jobs(jobs: JobClient, given: argparse.Namespace) -> None:
    match given.action:
        case None:
            show(await jobs.list())
        case "get":
            await get(jobs, given.id, given.output)
        case action:
            show([await jobs.change(given.id, action)])


async def _status(client: RestClient) -> None:
    found = await client.residence()
    for name, model in found.models.items():
        idle = "" if model.idle_seconds is None else f", idle {model.idle_seconds:.0f} of {model.timeout_seconds:.0f} s"
        failure = f": {model.failure}" if model.failure else ""
        print(f"{name}  {model.state}{idle}{failure}")
    for gpu in found.gpus:
        used, total = gpu.used_bytes / 2**30, gpu.total_bytes / 2**30
        print(f"GPU {gpu.index} {gpu.name}  {used:.1f} of {total:.1f} GiB used  {' '.join(gpu.models)}")
