"""`llasa-serve`: the operator's command line."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, get_args

from cli.batch.command import DESCRIPTION, add_batch_arguments
from cli.commands import SERVICE_COMMANDS, add_service_commands, run_service_command
from cli.settings import read_settings
from deployments.errors import ServiceError, Unavailable
from deployments.profiles import InvalidProfiles, WeightType
from deployments.version import VERSION

_DESCRIPTION: Final = """\
Zero-shot voice cloning on Ray Serve. `llasa-serve serve` starts the service; then

  llasa-serve say "Hello, this is my voice." --voice alloy -o hello.wav
"""
_SERVE: Final = """\
Runs the service on this machine until Ctrl-C. Settings come from the environment and from .env in
the working folder; the options override them.

  llasa-serve serve
  llasa-serve serve --host 0.0.0.0 --port 8000
  llasa-serve serve --profile llasa-3b

exit status:
  0  stopped by Ctrl-C or SIGTERM
  1  not started; the message says why
  2  the command line is wrong
"""

_CONVERT: Final = """\
Converts an XCodec2 checkpoint of the PyPI package xcodec2 into the format of transformers, which
the service reads, and tests it. Every tensor must find its place.

  llasa-serve convert-codec NandemoGHS/Anime-XCodec2 anime-xcodec2
  XCODEC_MODEL_PATH=anime-xcodec2 llasa-serve serve --profile anime-llasa-3b

exit status:
  0  converted
  1  not converted; the message says why
"""


_GPU_CHECK: Final = """\
Checks the engine on this machine's first CUDA GPU, without a download: whether the embedded Llasa
chooses the codes that it chooses on the CPU, with each type of weights; takes that come, leave and
end at random; and for random weights of each size the speed, the memory against its plan, and the
times of start, sleep, wake and end. Random weights are written to a temporary folder (17 GB for the 8b;
TMPDIR says where).

  llasa-serve gpu-check --json gpu.json
  llasa-serve gpu-check --sizes 1b --seconds 20
  llasa-serve gpu-check --device cpu

exit status:
  0  passed
  1  there is no GPU, or a check has failed
  2  the command line is wrong
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit status: 1 where it found something wrong."""
    given = build_parser().parse_args(arguments)
    if given.command == "serve":
        from cli.serve.command import run_serve

        return run_serve(given)
    if given.command == "batch":
        from cli.batch.command import run_batch

        try:
            return run_batch(given)
        except (InvalidProfiles, ServiceError, OSError) as error:
            print(f"llasa-serve: {error}", file=sys.stderr)
            return 1
    if given.command == "gpu-check":
        from cli.gpu_check.command import run_gpu_check

        return run_gpu_check(given)
    if given.command in SERVICE_COMMANDS:
        return run_service_command(given)
    if given.command == "fetch":
        return _fetch(given.profile)
    if given.command == "convert-codec":
        return _convert(given.source, given.folder)
    return _check(given)


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="llasa-serve",
        description=_DESCRIPTION,
        epilog="`llasa-serve COMMAND --help` shows examples and exit statuses.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"llasa-serve {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser(
        "serve",
        help="run the service",
        description=_SERVE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    serve.add_argument("--host", help="address to listen on (default: $API_HOST or 127.0.0.1)")
    serve.add_argument("--port", type=int, help="port to listen on (default: $API_PORT or 7861)")
    serve.add_argument("--profile", help="name of a profile, or auto (default: $PROFILE or auto)")
    serve.add_argument(
        "--config", metavar="FILE", help="Serve configuration (default: serve_config.yaml of the package)"
    )
    check = commands.add_parser(
        "check",
        help="check configuration strictly",
        description="Checks Serve configurations, RayService and RayCluster manifests, and files of settings (.env). "
        "Pass files that belong together in one call: `kubectl kustomize k8s/one-gpu | llasa-serve check -`.",
    )
    check.add_argument("files", nargs="+", metavar="FILE", help="YAML or .env; - is standard input")
    check.add_argument("--gpus", type=int, help="GPUs of the machine on which a Serve configuration is to run")
    check.add_argument("--cpus", type=float, help="CPUs of the machine")
    fetch = commands.add_parser(
        "fetch", help="download the checkpoints", description="Downloads the checkpoints of the settings."
    )
    fetch.add_argument("profile", nargs="?", help="overrides the setting PROFILE")
    convert = commands.add_parser(
        "convert-codec",
        help="convert an XCodec2 checkpoint",
        description=_CONVERT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    convert.add_argument("source", help="hub id or folder of a checkpoint of the package xcodec2")
    convert.add_argument("folder", help="where to write the converted checkpoint")
    add_batch_arguments(
        commands.add_parser(
            "batch",
            help="speak books on a Ray cluster",
            description=DESCRIPTION,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
    )
    gpu = commands.add_parser(
        "gpu-check",
        help="check the engine on a GPU",
        description=_GPU_CHECK,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    gpu.add_argument("--device", choices=["cuda", "cpu"], default="cuda", help="cpu runs the parts that need no GPU")
    gpu.add_argument("--sizes", nargs="*", choices=["tiny", "1b", "3b", "8b"], help="default: 1b 3b 8b; on a CPU tiny")
    gpu.add_argument("--weights", nargs="*", choices=get_args(WeightType), help="types to measure (default: all)")
    gpu.add_argument("--seconds", type=float, default=120, help="of takes that come and leave (default: 120)")
    gpu.add_argument("--codes", type=int, default=500, help="length of the timed takes (default: 500, 10 s)")
    gpu.add_argument("--json", metavar="FILE", help="write all figures there")
    add_service_commands(commands)
    return parser


def _check(given: argparse.Namespace) -> int:
    from cli.check import check_files
    from cli.check.capacity import Node

    machine = None
    if given.gpus is not None or given.cpus is not None:
        machine = Node(
            "this machine",
            cpus=float("inf") if given.cpus is None else given.cpus,
            gpus=given.gpus or 0,
        )
    problems = check_files(given.files, machine)
    for problem in problems:
        print(problem)
    if not problems:
        print(f"{len(given.files)} checked: nothing wrong.")
    return int(bool(problems))


def _fetch(name: str | None) -> int:
    from deployments.checkpoints import fetch_checkpoint
    from deployments.placement.profile_choice import choose_profile, usable_bytes

    settings = read_settings(profile=name)
    try:
        profile = choose_profile(settings.profile, len(usable_bytes()), settings)
        for source in (profile.llasa, profile.xcodec2, profile.whisper):
            print(source, fetch_checkpoint(source, settings), flush=True)
    except (InvalidProfiles, Unavailable) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _convert(source: str, folder: str) -> int:
    from deployments.checkpoints import fetch_checkpoint
    from deployments.xcodec2.codec import Xcodec2Codec
    from deployments.xcodec2.conversion import convert_codec

    try:
        convert_codec(fetch_checkpoint(source, read_settings()), Path(folder))
        Xcodec2Codec.load(folder).load_encoder()  # both test what they load
    except Unavailable as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Converted. Set XCODEC_MODEL_PATH={folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
